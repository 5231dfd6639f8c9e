import { type BinaryColumn, columnKind, lengthBytes } from './binary-column.ts';
import { writeNumeric } from './numeric.ts';

export interface BinaryRows {
  columns: readonly BinaryColumn[];
  rows: number;
  /** One more column's value, which every row ends in: big-endian words, its length first. Empty where there is none. */
  tail: Int32Array;
  /** Those of the columns that are texts. */
  texts: readonly BinaryColumn[];
  /** What a row takes at most, without its texts' own bytes. */
  maxFixedBytes: number;
}

/** Memory that rows are written to. */
export interface Chunk {
  bytes: Uint8Array;
  /** The same memory as bytes. */
  view: DataView;
  /** Where its next row goes. */
  filled: number;
}

const columnCountBytes = 2;
const wordBytes = 4;
const isNull = -1;

export const makeBinaryRows = (
  columns: readonly BinaryColumn[],
  rows: number,
  tail: Int32Array,
): BinaryRows => ({
  ...{ columns, rows, tail },
  texts: columns.filter(({ kind }) => kind === columnKind.text),
  maxFixedBytes: columns.reduce(
    (sum, { maxBytes }) => sum + maxBytes,
    columnCountBytes + wordBytes * tail.length,
  ),
});

/**
 * Writes rows, from `from` on, as many as have room before `limit`: the number of columns as int16, then each value's
 * length as int32 and its bytes, all big-endian.
 *
 * One loop for all types: a loop for each, column by column, was as fast once V8 had optimised it, but it is nine
 * functions that each process has to optimise, and ten times as slow until then.
 *
 * @returns the first row that had no room
 */
export function writeRows(batch: BinaryRows, chunk: Chunk, from: number, limit: number): number {
  const { columns, rows, tail } = batch;
  const { view } = chunk;
  const columnCount = columns.length + Math.min(tail.length, 1);
  let at = chunk.filled;
  let row = from;
  for (; row < rows && at + maxRowBytes(batch, row) <= limit; row++) {
    view.setInt16(at, columnCount);
    at += columnCountBytes;
    for (let index = 0; index < columns.length; index++) {
      at = writeValue(chunk, at, columns[index] as BinaryColumn, row);
    }
    for (let word = 0; word < tail.length; word++, at += wordBytes) view.setInt32(at, tail[word] as number);
  }
  chunk.filled = at;
  return row;
}

/** @returns what the row takes at most */
export function maxRowBytes({ texts, maxFixedBytes }: BinaryRows, row: number): number {
  let bytes = maxFixedBytes;
  for (let index = 0; index < texts.length; index++) bytes += lengthOf(texts[index] as BinaryColumn, row);
  return bytes;
}

const lengthOf = ({ offsets }: BinaryColumn, row: number): number =>
  (offsets[row + 1] as number) - (offsets[row] as number);

/** @returns where the value ends */
function writeValue({ bytes, view }: Chunk, at: number, column: BinaryColumn, row: number): number {
  const { kind, words, present } = column;
  const start = at + lengthBytes;
  if (present.length > 0 && (((present[row >> 3] as number) >> (row & 7)) & 1) === 0) {
    view.setInt32(at, isNull);
    return start;
  }
  if (kind === columnKind.int4) {
    view.setInt32(at, 4);
    view.setInt32(start, (words[row] as number) - column.minus);
    return start + 4;
  }
  if (kind === columnKind.int8) {
    view.setInt32(at, 8);
    // Moved in two halves: no BigInt a value.
    view.setInt32(start, words[2 * row + 1] as number);
    view.setInt32(start + 4, words[2 * row] as number);
    return start + 8;
  }
  if (kind === columnKind.numeric) {
    view.setInt32(at, column.numeric.bytes);
    writeNumeric(view, start, words, 4 * row, column.numeric);
    return start + column.numeric.bytes;
  }
  if (kind === columnKind.boolean) {
    view.setInt32(at, 1);
    view.setUint8(start, ((column.bytes[row >> 3] as number) >> (row & 7)) & 1);
    return start + 1;
  }
  const length = lengthOf(column, row);
  view.setInt32(at, length);
  copyBytes(column.bytes, column.offsets[row] as number, bytes, start, length);
  return start + length;
}

/** Most texts are short: calling out for the copy costs more than making it. */
const shortBytes = 32;

function copyBytes(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length > shortBytes) to.set(from.subarray(start, start + length), at);
  else for (let byte = 0; byte < length; byte++) to[at + byte] = from[start + byte] as number;
}
