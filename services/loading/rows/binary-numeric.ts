import type { Decimal } from 'apache-arrow';
import { TerminalError } from '../../../shared/errors.ts';

const base = 10_000;
const digitsAGroup = 4;
const negativeSign = 0x4000;
const headerBytes = 8;

/** Up to here the groups of a fraction are exact in a JavaScript number. */
const maxFastScale = 12;

/** How the values of one numeric(precision, scale) are written: all in the same number of bytes. */
export interface NumericLayout {
  scale: number;
  /** Groups of four decimal digits before the point, and after it. */
  wholeGroups: number;
  fractionGroups: number;
  bytes: number;
}

/** The layout of a numeric column's values. */
export function layOutNumeric({ precision, scale }: Pick<Decimal, 'precision' | 'scale'>): NumericLayout {
  const wholeGroups = Math.ceil((precision - scale) / digitsAGroup);
  const fractionGroups = Math.ceil(scale / digitsAGroup);
  return { scale, wholeGroups, fractionGroups, bytes: headerBytes + 2 * (wholeGroups + fractionGroups) };
}

/**
 * Writes a Decimal128 (four words, least significant first) as Postgres' numeric: int16 number of groups, int16
 * weight of the first, uint16 sign, int16 scale, then the groups. Zero groups at either end are written as well, so
 * that every value of a column has one length; the server strips them before it keeps the value.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/adt/numeric.c numeric_recv, and
 *   make_result for the stripping
 * @throws {TerminalError} the value has more digits than its column
 */
export function writeNumeric(
  view: DataView,
  at: number,
  words: Int32Array,
  word: number,
  layout: NumericLayout,
): void {
  const low = (words[word] as number) >>> 0;
  const high = words[word + 1] as number;
  const value = high * 2 ** 32 + low;
  const extension = high >> 31;
  view.setInt16(at, layout.wholeGroups + layout.fractionGroups);
  view.setInt16(at + 2, layout.wholeGroups - 1);
  view.setInt16(at + 6, layout.scale);
  const fitsNumber =
    words[word + 2] === extension && words[word + 3] === extension && Number.isSafeInteger(value);
  if (fitsNumber && layout.scale <= maxFastScale) {
    view.setUint16(at + 4, value < 0 ? negativeSign : 0);
    writeNumber(view, at + headerBytes, Math.abs(value), layout);
    return;
  }
  const wide = readDecimal128(words, word);
  view.setUint16(at + 4, wide < 0n ? negativeSign : 0);
  writeBigInt(view, at + headerBytes, wide < 0n ? -wide : wide, layout);
}

/** The floor of the quotient of two safe integers is exact, so no remainder of two numbers is needed, which is slow. */
function writeNumber(
  view: DataView,
  at: number,
  value: number,
  { scale, wholeGroups, fractionGroups }: NumericLayout,
): void {
  const unit = 10 ** scale;
  const whole = Math.floor(value / unit);
  const fraction = (value - whole * unit) * 10 ** (fractionGroups * digitsAGroup - scale);
  const point = at + 2 * wholeGroups;
  if (writeGroups(view, point, wholeGroups, whole) > 0) throw tooLong();
  writeGroups(view, point + 2 * fractionGroups, fractionGroups, fraction);
}

/** Writes groups from the last one on. @returns what did not fit */
function writeGroups(view: DataView, end: number, groups: number, value: number): number {
  let rest = value;
  for (let at = end - 2; at >= end - 2 * groups; at -= 2) {
    const quotient = Math.floor(rest / base);
    view.setUint16(at, rest - quotient * base);
    rest = quotient;
  }
  return rest;
}

function writeBigInt(
  view: DataView,
  at: number,
  value: bigint,
  { scale, wholeGroups, fractionGroups }: NumericLayout,
): void {
  const text = value.toString().padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale).replace(/^0+/, '');
  const digits =
    whole.padStart(wholeGroups * digitsAGroup, '0') +
    text.slice(text.length - scale, text.length).padEnd(fractionGroups * digitsAGroup, '0');
  const groups = wholeGroups + fractionGroups;
  if (digits.length > groups * digitsAGroup) throw tooLong();
  for (let group = 0; group < groups; group++) {
    const start = group * digitsAGroup;
    view.setUint16(at + 2 * group, Number(digits.slice(start, start + digitsAGroup)));
  }
}

const tooLong = () => new TerminalError('a numeric has more digits than its column');

function readDecimal128(words: Int32Array, word: number): bigint {
  let value = BigInt(words[word + 3] as number);
  for (let index = 2; index >= 0; index--) {
    value = (value << 32n) | BigInt((words[word + index] as number) >>> 0);
  }
  return value;
}
