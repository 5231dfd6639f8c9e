import { type Data, DataType, TimeUnit } from 'apache-arrow';
import { TerminalError } from '../../../shared/errors.ts';
import { layOutNumeric, type NumericLayout, writeNumeric } from './numeric.ts';

/** Consecutive rows of a batch, from `from` up to `end`, on their way into a chunk. */
export interface Block {
  bytes: Uint8Array;
  /** The same memory as bytes. */
  view: DataView;
  from: number;
  end: number;
  /** By row: where in the chunk its next value goes. */
  cursors: Int32Array;
}

/**
 * Writes one column's values: a value's length as int32, then its bytes, all big-endian. A column at a time: a loop
 * over the values of one type is several times as fast as one over a row's columns.
 */
export interface ColumnWriter {
  /** Adds to each row's bytes what its value takes. */
  addSizes(sizes: Int32Array): void;
  /** Writes the rows' values at their cursors, and moves these on. */
  write(block: Block): void;
}

/** A type whose values all take the same number of bytes. */
interface FixedType {
  bytes: number;
  /** Writes the values of the rows that have one, behind the length that each has at its cursor. */
  put(block: Block, nulls: Nulls): void;
}

/** The bitmap of a column with nulls. */
type Nulls = Uint8Array | undefined;

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
  const nulls = column.nullCount === 0 ? undefined : column.nullBitmap;
  if (DataType.isUtf8(column.type)) return textWriter(column.values, column.valueOffsets, nulls);
  return fixedWriter(fixedTypeOf(column), nulls);
}

/** Writes the same int8 in every row, of decimal digits. */
export function makeConstantWriter(digits: string): ColumnWriter {
  const value = BigInt(digits);
  const put = ({ view, cursors, from, end }: Block): void => {
    for (let row = from; row < end; row++) view.setBigInt64((cursors[row] as number) + lengthBytes, value);
  };
  return fixedWriter({ bytes: 8, put }, undefined);
}

function fixedTypeOf({ type, values }: Data): FixedType {
  if (DataType.isInt(type) && type.bitWidth === 32) return int4(values, 0);
  if (DataType.isDate(type) && type.unit === 0) return int4(values, epochShiftDays);
  if (DataType.isTime(type) && type.unit === TimeUnit.MICROSECOND) return time(values);
  if (DataType.isBool(type)) return boolean(values);
  if (DataType.isDecimal(type) && type.bitWidth === 128) return numeric(values, layOutNumeric(type));
  throw new TerminalError(`no warehouse column has the Arrow type ${type}`);
}

const isPresent = (nulls: Nulls, row: number): boolean =>
  nulls === undefined || (((nulls[row >> 3] as number) >> (row & 7)) & 1) === 1;

const int4 = (values: Int32Array, minus: number): FixedType => ({
  bytes: 4,
  put: ({ view, cursors, from, end }, nulls) => {
    for (let row = from; row < end; row++) {
      if (!isPresent(nulls, row)) continue;
      view.setInt32((cursors[row] as number) + lengthBytes, (values[row] as number) - minus);
    }
  },
});

/** Microseconds since midnight as an int8, moved in two halves: no BigInt a value. */
const time = (values: BigInt64Array): FixedType => ({
  bytes: 8,
  put: ({ view, cursors, from, end }, nulls) => {
    const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
    for (let row = from; row < end; row++) {
      if (!isPresent(nulls, row)) continue;
      const at = (cursors[row] as number) + lengthBytes;
      view.setUint32(at, halves[row * 2 + 1] as number);
      view.setUint32(at + 4, halves[row * 2] as number);
    }
  },
});

const boolean = (bits: Uint8Array): FixedType => ({
  bytes: 1,
  put: ({ view, cursors, from, end }, nulls) => {
    for (let row = from; row < end; row++) {
      if (!isPresent(nulls, row)) continue;
      view.setUint8((cursors[row] as number) + lengthBytes, ((bits[row >> 3] as number) >> (row & 7)) & 1);
    }
  },
});

const numeric = (words: Uint32Array, layout: NumericLayout): FixedType => ({
  bytes: layout.bytes,
  put: ({ view, cursors, from, end }, nulls) => {
    for (let row = from; row < end; row++) {
      if (!isPresent(nulls, row)) continue;
      writeNumeric(view, (cursors[row] as number) + lengthBytes, words, row * 4, layout);
    }
  },
});

const fixedWriter = ({ bytes, put }: FixedType, nulls: Nulls): ColumnWriter => ({
  addSizes: (sizes) => {
    for (let row = 0; row < sizes.length; row++) {
      (sizes[row] as number) += lengthBytes + (isPresent(nulls, row) ? bytes : 0);
    }
  },
  write: (block) => {
    put(block, nulls);
    const { view, cursors, from, end } = block;
    for (let row = from; row < end; row++) {
      const at = cursors[row] as number;
      const hasValue = isPresent(nulls, row);
      view.setInt32(at, hasValue ? bytes : isNull);
      cursors[row] = at + lengthBytes + (hasValue ? bytes : 0);
    }
  },
});

function textWriter(values: Uint8Array, offsets: Int32Array, nulls: Nulls): ColumnWriter {
  const lengthOf = (row: number): number =>
    isPresent(nulls, row) ? (offsets[row + 1] as number) - (offsets[row] as number) : 0;
  return {
    addSizes: (sizes) => {
      for (let row = 0; row < sizes.length; row++) (sizes[row] as number) += lengthBytes + lengthOf(row);
    },
    write: ({ bytes, view, cursors, from, end }) => {
      for (let row = from; row < end; row++) {
        const at = cursors[row] as number;
        const length = lengthOf(row);
        view.setInt32(at, isPresent(nulls, row) ? length : isNull);
        copyBytes(values, offsets[row] as number, bytes, at + lengthBytes, length);
        cursors[row] = at + lengthBytes + length;
      }
    },
  };
}

/** Most texts are short: calling out for the copy costs more than making it. */
const shortBytes = 32;

function copyBytes(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length > shortBytes) to.set(from.subarray(start, start + length), at);
  else for (let byte = 0; byte < length; byte++) to[at + byte] = from[start + byte] as number;
}
