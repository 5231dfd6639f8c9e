import { type Data, DataType } from 'apache-arrow';
import { TerminalError } from '../../../shared/errors.ts';
import { type Block, type FixedType, fixedTypeOf, isPresent, lengthBytes, type Nulls } from './fixed-type.ts';

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
