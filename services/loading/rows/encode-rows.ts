import { type Data, DataType, Precision, type RecordBatch, TimeUnit } from 'apache-arrow';
import { TerminalError } from '../../../shared/errors.ts';
import type { WarehouseType } from '../../../shared/model/define.ts';
import { layOutNumeric, type NumericLayout, writeNumeric } from './binary-numeric.ts';

const chunkBytes = 256 * 1024;
const trailerBytes = 2;

// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": the signature, no flags, no extension.
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

export interface CopyOptions {
  /** Of the columns, where Arrow's type does not say it: uuids, json and carried values are texts there. */
  types?: readonly WarehouseType[];
  /** Of the object that the rows came from: a last column, as an int8. */
  objectId?: string;
}

/**
 * Rows in the format of `copy … (format binary)`: the columns in the batches' order, then the id of their object, if it is
 * given. A carried value is written as the text that it is.
 *
 * @returns chunks of about 256 KiB in one piece of memory: each is valid until the next is asked for
 * @throws {TerminalError} a column has a type that no warehouse column has, or a value that does not fit its type
 */
export function* encodeCopyRows(
  batches: readonly RecordBatch[],
  { types = [], objectId }: CopyOptions = {},
): Generator<Uint8Array> {
  const tail = objectId === undefined ? new Int32Array(0) : int8Words(objectId);
  let chunk = makeChunk(chunkBytes);
  chunk.filled = header.copy(chunk.bytes);
  for (const { data, numRows } of batches) {
    const batch = makeBinaryRows(
      data.children.map((column, index) => layOutColumn(column, types[index])),
      numRows,
      tail,
    );
    for (let row = 0; ; ) {
      row = writeRows(batch, chunk, row, chunk.bytes.length - trailerBytes);
      if (row === numRows) break;
      yield chunk.bytes.subarray(0, chunk.filled);
      const neededBytes = maxRowBytes(batch, row) + trailerBytes;
      if (neededBytes > chunk.bytes.length) chunk = makeChunk(neededBytes);
      chunk.filled = 0;
    }
  }
  chunk.view.setInt16(chunk.filled, -1);
  yield chunk.bytes.subarray(0, chunk.filled + trailerBytes);
}

function makeChunk(length: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, view: new DataView(bytes.buffer), filled: 0 };
}

/** An int8 of decimal digits as COPY has it: its length and its two halves. */
function int8Words(digits: string): Int32Array {
  const value = BigInt(digits);
  const half = (bits: bigint) => Number(BigInt.asIntN(32, value >> bits));
  return Int32Array.of(2 * lengthBytes, half(32n), half(0n));
}

interface BinaryRows {
  columns: readonly BinaryColumn[];
  rows: number;
  /** The value of one more column, which ends every row: big-endian words, its length first. Empty if there is none. */
  tail: Int32Array;
  /** The columns whose values have any length. */
  texts: readonly BinaryColumn[];
  /** The most bytes that a row takes, not counting its texts' own bytes. */
  maxFixedBytes: number;
}

/** Memory that rows are written to. */
interface Chunk {
  bytes: Uint8Array;
  /** The same memory as bytes. */
  view: DataView;
  /** Where its next row goes. */
  filled: number;
}

const columnCountBytes = 2;
const wordBytes = 4;
const isNull = -1;

const makeBinaryRows = (columns: readonly BinaryColumn[], rows: number, tail: Int32Array): BinaryRows => ({
  columns,
  rows,
  tail,
  texts: columns.filter(({ kind }) => kind === columnKind.text || kind === columnKind.jsonb),
  maxFixedBytes: columns.reduce(
    (sum, { maxBytes }) => sum + maxBytes,
    columnCountBytes + wordBytes * tail.length,
  ),
});

/**
 * Writes rows, from `from` on, as many as have room before `limit`: the number of columns as int16, then each value's
 * length as int32 and its bytes, all big-endian.
 *
 * One loop for all types. A loop for each type, column by column, is as fast once V8 has optimised it, but those are
 * nine functions that each process has to optimise, and they are far slower until then.
 *
 * @returns the first row that had no room
 */
function writeRows(batch: BinaryRows, chunk: Chunk, from: number, limit: number): number {
  const { columns, rows, tail } = batch;
  const { view } = chunk;
  const columnCount = columns.length + Math.min(tail.length, 1);
  let at = chunk.filled;
  let row = from;
  for (; row < rows && at + maxRowBytes(batch, row) <= limit; row++) {
    view.setInt16(at, columnCount);
    at += columnCountBytes;
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index] as BinaryColumn;
      at =
        column.kind > columnKind.text
          ? writeRareValue(chunk, at, column, row)
          : writeValue(chunk, at, column, row);
    }
    for (let word = 0; word < tail.length; word++, at += wordBytes) view.setInt32(at, tail[word] as number);
  }
  chunk.filled = at;
  return row;
}

/** @returns the most bytes that the row takes */
function maxRowBytes({ texts, maxFixedBytes }: BinaryRows, row: number): number {
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
    // Written in two halves, without a BigInt for each value.
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

/**
 * Writes a value of the other types. With these, `writeValue` would be larger than what V8 puts into its callers.
 *
 * @returns where the value ends
 */
function writeRareValue({ bytes, view }: Chunk, at: number, column: BinaryColumn, row: number): number {
  const { kind, words, present } = column;
  const start = at + lengthBytes;
  if (present.length > 0 && (((present[row >> 3] as number) >> (row & 7)) & 1) === 0) {
    view.setInt32(at, isNull);
    return start;
  }
  switch (kind) {
    case columnKind.int2:
      view.setInt32(at, 2);
      view.setInt16(start, words[row] as number);
      return start + 2;
    case columnKind.date: {
      const day = words[row] as number;
      view.setInt32(at, 4);
      view.setInt32(start, isInfiniteDay(day) ? day : day - epochShiftDays);
      return start + 4;
    }
    case columnKind.timestamp:
      view.setInt32(at, 8);
      writeTimestamp(view, start, words[2 * row] as number, words[2 * row + 1] as number);
      return start + 8;
    case columnKind.uuid:
      view.setInt32(at, 16);
      writeUuid(bytes, start, column, row);
      return start + 16;
    default: {
      const length = lengthOf(column, row);
      view.setInt32(at, jsonbVersionBytes + length);
      view.setUint8(start, jsonbVersion);
      copyBytes(column.bytes, column.offsets[row] as number, bytes, start + jsonbVersionBytes, length);
      return start + jsonbVersionBytes + length;
    }
  }
}

/** jsonb_recv in Postgres' src/backend/utils/adt/jsonb.c. */
const jsonbVersion = 1;
const jsonbVersionBytes = 1;

/** The ends of 32 bits stand for infinity, here and there. */
const infiniteDays = [2 ** 31 - 1, -(2 ** 31)];
const isInfiniteDay = (day: number): boolean => infiniteDays.includes(day);

/** Postgres counts microseconds from 2000-01-01, Arrow from 1970-01-01: 946,684,800,000,000 of them. */
const epochShift = { high: Math.floor(946_684_800_000_000 / 2 ** 32), low: 946_684_800_000_000 % 2 ** 32 };

function writeTimestamp(view: DataView, at: number, lowWord: number, high: number): void {
  const low = lowWord >>> 0;
  const isInfinite = (high === 2 ** 31 - 1 && low === 2 ** 32 - 1) || (high === -(2 ** 31) && low === 0);
  const shiftedLow = isInfinite ? low : low - epochShift.low;
  view.setInt32(at, isInfinite ? high : high - epochShift.high - (shiftedLow < 0 ? 1 : 0));
  view.setInt32(at + 4, shiftedLow);
}

/** @throws {TerminalError} the text is not a uuid as Postgres writes it */
function writeUuid(to: Uint8Array, at: number, { bytes, offsets }: BinaryColumn, row: number): void {
  const start = offsets[row] as number;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, (offsets[row + 1] as number) - start);
  const uuid = Buffer.from(text.toString('latin1').replaceAll('-', ''), 'hex');
  if (text.length !== 36 || uuid.length !== 16)
    throw new TerminalError('a uuid is not one as Postgres writes it');
  to.set(uuid, at);
}

/** Most texts are short, and for those a call of `set` costs more than a loop. */
const shortBytes = 32;

function copyBytes(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length > shortBytes) to.set(from.subarray(start, start + length), at);
  else for (let byte = 0; byte < length; byte++) to[at + byte] = from[start + byte] as number;
}

/** How a column's values are written. Numbers, because the loop over all values branches on them. */
const columnKind = {
  int4: 0,
  int8: 1,
  boolean: 2,
  numeric: 3,
  text: 4,
  int2: 5,
  date: 6,
  timestamp: 7,
  uuid: 8,
  jsonb: 9,
} as const;

/** One column's values as Arrow has them, in one shape for all types, so that the hot loop sees one. */
interface BinaryColumn {
  kind: number;
  /** int2, int4 and date: a word a row; int8 and timestamp two and numeric four, the lowest first. */
  words: Int32Array;
  /** boolean: a bit a row; text, uuid and jsonb: row i is bytes[offsets[i], offsets[i + 1]). */
  bytes: Uint8Array;
  offsets: Int32Array;
  /** A bit a row, 1 for a value, 0 for null; empty if every row has a value. */
  present: Uint8Array;
  /** int4: taken from each value. */
  minus: number;
  numeric: NumericLayout;
  /** The most bytes that a value takes, not counting a text's own bytes. */
  maxBytes: number;
}

/** The length that precedes each value. */
const lengthBytes = 4;

/** Postgres counts days from 2000-01-01, Arrow from 1970-01-01. */
const epochShiftDays = 10_957;

const noWords = new Int32Array(0);
const noBytes = new Uint8Array(0);
const noDigits = layOutNumeric({ precision: 0, scale: 0 });

/**
 * @see https://github.com/postgres/postgres/tree/REL_18_STABLE/src/backend/utils/adt int.c, date.c, bool.c,
 *   varlena.c and others: int4recv, date_recv, time_recv, boolrecv, textrecv, float8recv, timestamp_recv, uuid_recv
 * @throws {TerminalError} no warehouse column has this type
 */
function layOutColumn(data: Data, wanted: WarehouseType | undefined): BinaryColumn {
  // A bitmap and a buffer start at the column's first row: no caller passes a part of a longer column.
  if (data.offset !== 0) throw new TerminalError('an Arrow column does not start at its first row');
  const column = {
    words: noWords,
    bytes: noBytes,
    offsets: noWords,
    minus: 0,
    numeric: noDigits,
    present: data.nullCount === 0 ? noBytes : data.nullBitmap,
    ...layOutValues(data, wanted?.name),
  };
  return { ...column, maxBytes: lengthBytes + column.maxBytes };
}

function layOutValues(
  data: Data,
  wanted: WarehouseType['name'] | undefined,
): Pick<BinaryColumn, 'kind' | 'maxBytes'> & Partial<BinaryColumn> {
  const { type, values } = data;
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    return { ...layOutBytes(wanted), bytes: values, offsets: data.valueOffsets };
  }
  if (DataType.isInt(type) && type.bitWidth === 16) {
    return { kind: columnKind.int2, words: Int32Array.from(values as Int16Array), maxBytes: 2 };
  }
  if (DataType.isBool(type)) return { kind: columnKind.boolean, bytes: values, maxBytes: 1 };
  const words = new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  if (DataType.isInt(type) && type.bitWidth === 32) return { kind: columnKind.int4, words, maxBytes: 4 };
  if (DataType.isDate(type) && type.unit === 0) {
    const kind = infiniteDays.some((day) => words.includes(day)) ? columnKind.date : columnKind.int4;
    return { kind, words, minus: epochShiftDays, maxBytes: 4 };
  }
  if (DataType.isInt(type) && type.bitWidth === 64) return { kind: columnKind.int8, words, maxBytes: 8 };
  if (DataType.isFloat(type)) {
    // A float's bits, written as an integer's.
    const isSingle = type.precision === Precision.SINGLE;
    return { kind: isSingle ? columnKind.int4 : columnKind.int8, words, maxBytes: 8 };
  }
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.MICROSECOND) {
    return { kind: columnKind.timestamp, words, maxBytes: 8 };
  }
  if (DataType.isTime(type) && type.unit === TimeUnit.MICROSECOND) {
    return { kind: columnKind.int8, words, maxBytes: 8 };
  }
  if (DataType.isDecimal(type) && type.bitWidth === 128) {
    const numeric = layOutNumeric(type);
    return { kind: columnKind.numeric, words, numeric, maxBytes: numeric.bytes };
  }
  throw new TerminalError(`no warehouse column has the Arrow type ${type}`);
}

function layOutBytes(wanted: WarehouseType['name'] | undefined): Pick<BinaryColumn, 'kind' | 'maxBytes'> {
  if (wanted === 'uuid') return { kind: columnKind.uuid, maxBytes: 16 };
  return wanted === 'jsonb'
    ? { kind: columnKind.jsonb, maxBytes: jsonbVersionBytes }
    : { kind: columnKind.text, maxBytes: 0 };
}
