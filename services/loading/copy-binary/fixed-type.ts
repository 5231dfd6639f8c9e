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

/** The bitmap of a column with nulls. */
export type Nulls = Uint8Array | undefined;

export const isPresent = (nulls: Nulls, row: number): boolean =>
  nulls === undefined || (((nulls[row >> 3] as number) >> (row & 7)) & 1) === 1;

/** A type whose values all take the same number of bytes. */
export interface FixedType {
  bytes: number;
  /** Writes the values of the rows that have one, behind the length that each has at its cursor. */
  put(block: Block, nulls: Nulls): void;
}

/** What stands before each value: its length. */
export const lengthBytes = 4;

/** Postgres counts days from 2000-01-01, Arrow from 1970-01-01. */
const epochShiftDays = 10_957;

/** @throws {TerminalError} no warehouse column has this type */
export function fixedTypeOf({ type, values }: Data): FixedType {
  if (DataType.isInt(type) && type.bitWidth === 32) return int4(values, 0);
  if (DataType.isDate(type) && type.unit === 0) return int4(values, epochShiftDays);
  if (DataType.isTime(type) && type.unit === TimeUnit.MICROSECOND) return time(values);
  if (DataType.isBool(type)) return boolean(values);
  if (DataType.isDecimal(type) && type.bitWidth === 128) return numeric(values, layOutNumeric(type));
  throw new TerminalError(`no warehouse column has the Arrow type ${type}`);
}

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
