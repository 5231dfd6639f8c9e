import { BufferType, Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import type { WarehouseType } from '../../../shared/model/define.ts';
import type { WarehouseTable } from '../../../shared/model/model.ts';
import { arrowTypeOf } from '../../../shared/parquet/arrow-schema.ts';
import { releaseMemory } from '../../../shared/release-memory.ts';

/**
 * One column of a batch, laid out as Arrow has it. One shape for all types, so that the hot loops see one:
 * int, date and boolean take a word a row, time two and numeric four, the lowest first.
 */
export interface ColumnBuffer {
  name: string;
  type: WarehouseType;
  nullable: boolean;
  /** Empty for varchar. */
  words: Int32Array<ArrayBuffer>;
  /** varchar only: row i is bytes[offsets[i], offsets[i + 1]). */
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

const wordsPerRow: Record<WarehouseType['name'], number> = {
  int: 1,
  date: 1,
  boolean: 1,
  time: 2,
  numeric: 4,
  varchar: 0,
};

/** Flushing by bytes too keeps memory flat when the rows are long. */
const fullTextBytes = 16 * 1024 * 1024;

/** Makes an empty batch, with memory for that many rows. */
export function makeBatch(table: WarehouseTable, maxRows: number): Batch {
  const columns = table.columns.map(({ name, type, nullable }) => ({
    name,
    type,
    nullable,
    words: new Int32Array(wordsPerRow[type.name] * maxRows),
    offsets: new Int32Array(type.name === 'varchar' ? maxRows + 1 : 0),
    bytes: new Uint8Array(type.name === 'varchar' ? 1024 : 0),
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

/** Makes room for this many more bytes in each varchar column. */
export function reserveText(batch: Batch, moreBytes: number): void {
  for (const column of batch.columns) {
    if (column.type.name === 'varchar') reserve(column, textEnd(column, batch.rows) + moreBytes);
  }
}

/** @param value of an int; days since 1970-01-01 of a date; 0 or 1 of a boolean */
export function setInt(column: ColumnBuffer, row: number, value: number): void {
  column.words[row] = value;
}

/** @param micros microseconds since midnight: more than 32 bits */
export function setTime(column: ColumnBuffer, row: number, micros: number): void {
  column.words[2 * row] = micros;
  column.words[2 * row + 1] = micros / 2 ** 32;
}

/** @param unscaled the value times 10^scale, within 128 bits */
export function setNumeric(column: ColumnBuffer, row: number, unscaled: bigint): void {
  for (let word = 0; word < 4; word++) {
    column.words[4 * row + word] = Number(BigInt.asIntN(32, unscaled >> BigInt(32 * word)));
  }
}

/** Rows must be set in their order, because texts stand one after the other. */
export function setText(column: ColumnBuffer, row: number, text: string): void {
  const encoded = Buffer.from(text);
  const start = textEnd(column, row);
  reserve(column, start + encoded.length);
  column.bytes.set(encoded, start);
  column.offsets[row + 1] = start + encoded.length;
}

/** The column must be nullable. */
export function setNull(column: ColumnBuffer, row: number): void {
  column.isValid[row] = 0;
  if (column.type.name === 'varchar') column.offsets[row + 1] = textEnd(column, row);
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
    case 'boolean':
      return packBits(words, rows);
    case 'time':
      return new BigInt64Array(words.buffer, 0, rows);
    case 'numeric':
      return new Uint32Array(words.buffer, 0, 4 * rows);
    case 'varchar':
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
