import { type Data, DataType, TimeUnit } from 'apache-arrow';
import { TerminalError } from '../../../shared/errors.ts';
import { maxNumericBytes, writeNumeric } from './numeric.ts';

/** Writes one column's values into rows: a value's length as int32, then its bytes, all big-endian. */
export interface ColumnWriter {
  /** Bytes that a value can take at most, with its length; for text without its characters. */
  readonly maxBytes: number;
  /** Where the characters of a row's text begin, and at the next index end. */
  readonly valueOffsets?: Int32Array;
  /** @returns the index after the value */
  write(chunk: Buffer, at: number, row: number): number;
}

type Write = ColumnWriter['write'];

/** Postgres counts days from 2000-01-01, Arrow from 1970-01-01. */
const epochShiftDays = 10_957;
const lengthBytes = 4;
const isNull = -1;

/**
 * @see https://github.com/postgres/postgres/tree/REL_18_STABLE/src/backend/utils/adt int.c, date.c, bool.c,
 *   varlena.c: int4recv, date_recv, time_recv, boolrecv, textrecv
 * @throws {TerminalError} no warehouse column has this type
 */
export function makeColumnWriter(column: Data): ColumnWriter {
  // A bitmap and a buffer start at the column's first row: nobody hands us a part of a longer column.
  if (column.offset !== 0) throw new TerminalError('an Arrow column does not start at its first row');
  const writer = makeValueWriter(column);
  if (column.nullCount === 0) return writer;
  const write = skipNulls(column.nullBitmap, (chunk, at, row) => writer.write(chunk, at, row));
  return { ...writer, write };
}

function makeValueWriter(column: Data): ColumnWriter {
  const { type } = column;
  if (DataType.isInt(type) && type.bitWidth === 32) return int4Writer(column.values, 0);
  if (DataType.isDate(type) && type.unit === 0) return int4Writer(column.values, epochShiftDays);
  if (DataType.isTime(type) && type.unit === TimeUnit.MICROSECOND) return timeWriter(column.values);
  if (DataType.isBool(type)) return booleanWriter(column.values);
  if (DataType.isUtf8(type)) return textWriter(column.values, column.valueOffsets);
  if (DataType.isDecimal(type) && type.bitWidth === 128) return numericWriter(column.values, type.scale);
  throw new TerminalError(`no warehouse column has the Arrow type ${type}`);
}

function skipNulls(bitmap: Uint8Array, write: Write): Write {
  return (chunk, at, row) => {
    const isPresent = ((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1;
    return isPresent ? write(chunk, at, row) : chunk.writeInt32BE(isNull, at);
  };
}

function int4Writer(values: Int32Array, minus: number): ColumnWriter {
  return {
    maxBytes: lengthBytes + 4,
    write: (chunk, at, row) => {
      chunk.writeInt32BE(4, at);
      return chunk.writeInt32BE((values[row] ?? 0) - minus, at + lengthBytes);
    },
  };
}

/** Microseconds since midnight as an int8, moved in two halves: no BigInt a value. */
function timeWriter(values: BigInt64Array): ColumnWriter {
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  return {
    maxBytes: lengthBytes + 8,
    write: (chunk, at, row) => {
      chunk.writeInt32BE(8, at);
      chunk.writeUInt32BE(halves[row * 2 + 1] ?? 0, at + lengthBytes);
      return chunk.writeUInt32BE(halves[row * 2] ?? 0, at + lengthBytes + 4);
    },
  };
}

function booleanWriter(bits: Uint8Array): ColumnWriter {
  return {
    maxBytes: lengthBytes + 1,
    write: (chunk, at, row) => {
      chunk.writeInt32BE(1, at);
      return chunk.writeUInt8(((bits[row >> 3] ?? 0) >> (row & 7)) & 1, at + lengthBytes);
    },
  };
}

function textWriter(values: Uint8Array, valueOffsets: Int32Array): ColumnWriter {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return {
    maxBytes: lengthBytes,
    valueOffsets,
    write: (chunk, at, row) => {
      const start = valueOffsets[row] ?? 0;
      const end = valueOffsets[row + 1] ?? 0;
      chunk.writeInt32BE(end - start, at);
      return at + lengthBytes + bytes.copy(chunk, at + lengthBytes, start, end);
    },
  };
}

function numericWriter(words: Uint32Array, scale: number): ColumnWriter {
  return {
    maxBytes: lengthBytes + maxNumericBytes,
    write: (chunk, at, row) => {
      const end = writeNumeric(chunk, at + lengthBytes, words, row * 4, scale);
      chunk.writeInt32BE(end - at - lengthBytes, at);
      return end;
    },
  };
}
