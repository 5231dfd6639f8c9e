import { type Data, DataType, TimeUnit } from 'apache-arrow';
import { TerminalError } from '../../../shared/errors.ts';
import { layOutNumeric, type NumericLayout } from './binary-numeric.ts';

/** How a column's values are written. Numbers, because the loop over all values branches on them. */
export const columnKind = { int4: 0, int8: 1, boolean: 2, text: 3, numeric: 4 } as const;

/** One column's values as Arrow has them, in one shape for all types, so that the hot loop sees one. */
export interface BinaryColumn {
  kind: number;
  /** int4: a word a row; int8 two and numeric four, the lowest first. */
  words: Int32Array;
  /** boolean: a bit a row; text: row i is bytes[offsets[i], offsets[i + 1]). */
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
export const lengthBytes = 4;

/** Postgres counts days from 2000-01-01, Arrow from 1970-01-01. */
const epochShiftDays = 10_957;

const noWords = new Int32Array(0);
const noBytes = new Uint8Array(0);
const noDigits = layOutNumeric({ precision: 0, scale: 0 });

/**
 * @see https://github.com/postgres/postgres/tree/REL_18_STABLE/src/backend/utils/adt int.c, date.c, bool.c,
 *   varlena.c: int4recv, date_recv, time_recv, boolrecv, textrecv
 * @throws {TerminalError} no warehouse column has this type
 */
export function layOutColumn(data: Data): BinaryColumn {
  // A bitmap and a buffer start at the column's first row: no caller passes a part of a longer column.
  if (data.offset !== 0) throw new TerminalError('an Arrow column does not start at its first row');
  const column = {
    words: noWords,
    bytes: noBytes,
    offsets: noWords,
    minus: 0,
    numeric: noDigits,
    present: data.nullCount === 0 ? noBytes : data.nullBitmap,
    ...layOutValues(data),
  };
  return { ...column, maxBytes: lengthBytes + column.maxBytes };
}

function layOutValues(data: Data): Pick<BinaryColumn, 'kind' | 'maxBytes'> & Partial<BinaryColumn> {
  const { type, values } = data;
  if (DataType.isUtf8(type)) {
    return { kind: columnKind.text, bytes: values, offsets: data.valueOffsets, maxBytes: 0 };
  }
  if (DataType.isBool(type)) return { kind: columnKind.boolean, bytes: values, maxBytes: 1 };
  const words = new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  if (DataType.isInt(type) && type.bitWidth === 32) return { kind: columnKind.int4, words, maxBytes: 4 };
  if (DataType.isDate(type) && type.unit === 0) {
    return { kind: columnKind.int4, words, minus: epochShiftDays, maxBytes: 4 };
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
