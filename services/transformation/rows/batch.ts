import { BufferType, Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import type { WarehouseType } from '../../../shared/model/define.ts';
import type { WarehouseTable } from '../../../shared/model/model.ts';
import { arrowTypeOf } from '../../../shared/parquet/arrow-schema.ts';
import { releaseMemory } from '../../../shared/release-memory.ts';
import { putDouble, putReal } from '../scan/scan-bytes.ts';

/**
 * One column of a batch, laid out as Arrow has it. One shape for all types, so that the hot loops see one: see
 * wordsPerRow. Of several words the lowest is first.
 */
export interface ColumnBuffer {
  name: string;
  type: WarehouseType;
  nullable: boolean;
  /** Empty for texts and bytea. */
  words: Int32Array<ArrayBuffer>;
  /** Texts and bytea only: row i is bytes[offsets[i], offsets[i + 1]). */
  offsets: Int32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
  /** Nullable columns only: 1 where the row has a value. */
  isValid: Uint8Array<ArrayBuffer>;
}

export interface Batch {
  columns: ColumnBuffer[];
  rows: number;
  maxRows: number;
}

/** 0 for values of any length, which stand in the column's bytes. */
export const wordsPerRow: Record<WarehouseType['name'], number> = {
  smallint: 1,
  int: 1,
  bigint: 2,
  real: 1,
  'double precision': 2,
  boolean: 1,
  date: 1,
  time: 2,
  timestamp: 2,
  timestamptz: 2,
  numeric: 4,
  varchar: 0,
  text: 0,
  uuid: 0,
  bytea: 0,
  json: 0,
  jsonb: 0,
  carried: 0,
};

/** Whether values of the type stand in the column's bytes, and not in its words. */
export const hasBytes = (type: WarehouseType): boolean => wordsPerRow[type.name] === 0;

/** Flushing by bytes too keeps memory flat when the rows are long. */
const fullTextBytes = 16 * 1024 * 1024;

/** Makes an empty batch, with memory for that many rows. */
export function makeBatch(table: WarehouseTable, maxRows: number): Batch {
  const columns = table.columns.map(({ name, type, nullable }) => ({
    name,
    type,
    nullable,
    words: new Int32Array(wordsPerRow[type.name] * maxRows),
    offsets: new Int32Array(hasBytes(type) ? maxRows + 1 : 0),
    bytes: new Uint8Array(hasBytes(type) ? 1024 : 0),
    isValid: new Uint8Array(nullable ? maxRows : 0),
  }));
  return { columns, rows: 0, maxRows };
}

/** Whether the batch must be handed on before it takes another row. */
export const isFull = (batch: Batch): boolean =>
  batch.rows === batch.maxRows || batch.columns.some((column) => textEnd(column, batch.rows) > fullTextBytes);

/** Frees its memory: callers must not use the batch again. */
export function releaseBatch({ columns }: Batch): void {
  for (const { words, offsets, bytes, isValid } of columns)
    for (const buffer of [words, offsets, bytes, isValid]) releaseMemory(buffer);
}

/** Makes room for this many more bytes in each column of texts or bytea. */
export function reserveText(batch: Batch, moreBytes: number): void {
  for (const column of batch.columns) {
    if (hasBytes(column.type)) reserve(column, textEnd(column, batch.rows) + moreBytes);
  }
}

/** @param value of a smallint or an int; days since 1970-01-01 of a date; 0 or 1 of a boolean */
export function setInt(column: ColumnBuffer, row: number, value: number): void {
  column.words[row] = value;
}

/** @param micros microseconds since midnight: more than 32 bits */
export function setTime(column: ColumnBuffer, row: number, micros: number): void {
  column.words[2 * row] = micros;
  column.words[2 * row + 1] = micros / 2 ** 32;
}

/** @param value of a bigint; microseconds since 1970-01-01 of a timestamp */
export function setInt64(column: ColumnBuffer, row: number, value: bigint): void {
  column.words[2 * row] = Number(BigInt.asIntN(32, value));
  column.words[2 * row + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

export const setDouble = (column: ColumnBuffer, row: number, value: number): void =>
  putDouble(column.words, 2 * row, value);

export const setReal = (column: ColumnBuffer, row: number, value: number): void =>
  putReal(column.words, row, value);

/** @param unscaled the value times 10^scale, within 128 bits */
export function setNumeric(column: ColumnBuffer, row: number, unscaled: bigint): void {
  for (let word = 0; word < 4; word++) {
    column.words[4 * row + word] = Number(BigInt.asIntN(32, unscaled >> BigInt(32 * word)));
  }
}

/** Rows must be set in their order, because texts stand one after the other. */
export const setText = (column: ColumnBuffer, row: number, text: string): void =>
  setBytes(column, row, Buffer.from(text));

/** Rows must be set in their order. */
export function setBytes(column: ColumnBuffer, row: number, value: Uint8Array): void {
  const start = textEnd(column, row);
  reserve(column, start + value.length);
  column.bytes.set(value, start);
  column.offsets[row + 1] = start + value.length;
}

/** The column must be nullable. */
export function setNull(column: ColumnBuffer, row: number): void {
  column.isValid[row] = 0;
  if (hasBytes(column.type)) column.offsets[row + 1] = textEnd(column, row);
  else {
    const width = wordsPerRow[column.type.name];
    column.words.fill(0, row * width, (row + 1) * width);
  }
}

const textEnd = (column: ColumnBuffer, row: number): number => column.offsets[row] ?? 0;

function reserve(column: ColumnBuffer, bytes: number): void {
  if (bytes <= column.bytes.length) return;
  const larger = new Uint8Array(Math.max(bytes, 2 * column.bytes.length));
  larger.set(column.bytes);
  column.bytes = larger;
}

/** A view of the batch's rows for Arrow; it is valid until the batch is written to again. */
export function toRecordBatch(batch: Batch, schema: Schema): RecordBatch {
  const children = batch.columns.map((column) => toArrowData(column, batch.rows));
  const struct = makeData({ type: new Struct(schema.fields), length: batch.rows, nullCount: 0, children });
  return new RecordBatch(schema, struct);
}

function toArrowData(column: ColumnBuffer, rows: number): Data {
  const { nullable, isValid, offsets } = column;
  const nullCount = nullable ? countZeros(isValid, rows) : 0;
  const buffers = {
    [BufferType.OFFSET]: offsets.subarray(0, rows + 1),
    [BufferType.DATA]: toValues(column, rows),
    ...(nullable && { [BufferType.VALIDITY]: packBits(isValid, rows) }),
  };
  return new Data(arrowTypeOf(column.type), 0, rows, nullCount, buffers);
}

function toValues({ type, words, offsets, bytes }: ColumnBuffer, rows: number) {
  switch (type.name) {
    case 'int':
    case 'date':
      return words.subarray(0, rows);
    case 'smallint':
      return Int16Array.from(words.subarray(0, rows));
    case 'boolean':
      return packBits(words, rows);
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return new BigInt64Array(words.buffer, 0, rows);
    case 'real':
      return new Float32Array(words.buffer, 0, rows);
    case 'double precision':
      return new Float64Array(words.buffer, 0, rows);
    case 'numeric':
      return new Uint32Array(words.buffer, 0, 4 * rows);
    default:
      return bytes.subarray(0, offsets[rows]);
  }
}

/** Arrow keeps 8 rows in a byte, the first in the lowest bit. */
function packBits(flags: Uint8Array | Int32Array, length: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let row = 0; row < length; row++) {
    if (flags[row] === 1) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return bits;
}

function countZeros(flags: Uint8Array, length: number): number {
  let zeros = 0;
  for (let row = 0; row < length; row++) if (flags[row] === 0) zeros++;
  return zeros;
}
