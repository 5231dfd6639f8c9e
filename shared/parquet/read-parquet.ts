import { DataType, type RecordBatch, type Schema, util } from 'apache-arrow';
import { parseRecordBatch, parseSchema } from 'arrow-js-ffi';
import { TerminalError } from '../errors.ts';
import type { WarehouseTable } from '../model/model.ts';
import { arrowSchemaOf } from './arrow-schema.ts';
import { loadParquetWasm, type ParquetWasm } from './parquet-wasm.ts';

/** A whole Parquet file whose columns are not the table's: it was made for another model. */
export class OtherColumnsError extends TerminalError {}

/** Rows in one record batch. */
const batchSize = 65_536;

/**
 * Reads a Parquet file into Arrow record batches of `arrowSchemaOf(table)`. Their memory is JavaScript's own:
 * what the wasm side held is free when this returns.
 *
 * @param key the object's, for the messages
 * @returns none for a file without rows
 * @throws {OtherColumnsError} its columns are not the table's
 * @throws {TerminalError} the bytes are no whole Parquet file
 */
export async function readParquet(
  table: WarehouseTable,
  key: string,
  bytes: Uint8Array,
): Promise<RecordBatch[]> {
  const wasm = await loadParquetWasm();
  const { schema, batches } = decode(wasm, { table: table.name, key }, bytes);
  assertColumns(table, key, schema);
  return batches;
}

/**
 * Reads a Parquet file whatever its columns are, such as one that was made for an older model.
 *
 * @throws {TerminalError} the bytes are no whole Parquet file
 */
export async function readAnyParquet(
  subject: { table: string; key: string },
  bytes: Uint8Array,
): Promise<{ schema: Schema; batches: RecordBatch[] }> {
  return decode(await loadParquetWasm(), subject, bytes);
}

function decode(wasm: ParquetWasm, subject: { table: string; key: string }, bytes: Uint8Array) {
  const arrow = readWasmTable(wasm, subject, bytes).intoFFI();
  try {
    // Read here, because the memory has another buffer once wasm has grown it.
    const { buffer }: { buffer: ArrayBuffer } = wasm.wasmMemory();
    const schemaAddress = arrow.schemaAddr();
    // Without copying, arrow-js-ffi gives a Decimal128 column the wrong length, and prices are silently wrong.
    const parse = (address: number) => parseRecordBatch(buffer, address, schemaAddress, true);
    return { schema: parseSchema(buffer, schemaAddress), batches: [...arrow.arrayAddrs()].map(parse) };
  } finally {
    arrow.drop();
  }
}

function readWasmTable(wasm: ParquetWasm, subject: { table: string; key: string }, bytes: Uint8Array) {
  try {
    return wasm.readParquet(bytes, { batchSize });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TerminalError(`the object is not a whole Parquet file: ${reason}`, { ...subject, cause });
  }
}

/** Of two timestamps without a zone apache-arrow finds that they differ where one has null and the other undefined. */
const isSameType = (found: DataType, wanted: DataType): boolean =>
  DataType.isTimestamp(found) && DataType.isTimestamp(wanted)
    ? found.unit === wanted.unit && Boolean(found.timezone) === Boolean(wanted.timezone)
    : util.compareTypes(found, wanted);

function assertColumns(table: WarehouseTable, key: string, found: Schema): void {
  const wanted = arrowSchemaOf(table);
  const fail = (difference: string): never => {
    throw new OtherColumnsError(`the object's columns are not those of ${table.name}: ${difference}`, {
      table: table.name,
      key,
    });
  };
  for (const [index, { name, type }] of wanted.fields.entries()) {
    const field = found.fields[index];
    if (field?.name !== name) fail(`column ${index + 1} is ${field?.name ?? 'missing'}, and must be ${name}`);
    else if (!isSameType(field.type, type)) {
      fail(`column ${name} is ${field.type}, and must be ${type}`);
    }
  }
  const extra = found.fields[wanted.fields.length];
  if (extra !== undefined) fail(`column ${extra.name} is one too many`);
}
