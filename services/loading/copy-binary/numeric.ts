const base = 10_000;
const digitsAGroup = 4;
const negativeSign = 0x4000;
const headerBytes = 8;
/** 38 digits before and 38 after the point are more than a Decimal128 has. */
const maxGroups = 20;
export const maxNumericBytes = headerBytes + maxGroups * 2;

/** Up to here the groups of a fraction are exact in a JavaScript number. */
const maxFastScale = 12;

// One value's groups, most significant first: written anew for each value, never kept.
const groups = new Uint16Array(maxGroups);

/**
 * Writes a Decimal128 (four words, least significant first) as Postgres' numeric: int16 number of groups, int16
 * weight of the first, uint16 sign, int16 scale, then the groups, four decimal digits in each, without zero
 * groups at either end.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/adt/numeric.c numeric_recv
 * @param scale digits after the point, not negative
 * @returns the index after the value
 */
export function writeNumeric(
  chunk: Buffer,
  at: number,
  words: Uint32Array,
  word: number,
  scale: number,
): number {
  const low = words[word] ?? 0;
  const high = (words[word + 1] ?? 0) | 0;
  const value = high * 2 ** 32 + low;
  const extension = (high >> 31) >>> 0;
  const fitsNumber =
    words[word + 2] === extension && words[word + 3] === extension && Number.isSafeInteger(value);
  if (fitsNumber && scale <= maxFastScale) {
    return writeGroups(chunk, at, splitNumber(Math.abs(value), scale), value < 0, scale);
  }
  const wide = readDecimal128(words, word);
  const isNegative = wide < 0n;
  return writeGroups(chunk, at, splitBigInt(isNegative ? -wide : wide, scale), isNegative, scale);
}

interface GroupCount {
  whole: number;
  fraction: number;
}

/** Fills `groups`. The remainder by a power of ten is exact; the quotient of two numbers need not be. */
function splitNumber(value: number, scale: number): GroupCount {
  const unit = 10 ** scale;
  const rest = value % unit;
  let whole = (value - rest) / unit;
  const fractionGroups = Math.ceil(scale / digitsAGroup);
  let fraction = rest * 10 ** (fractionGroups * digitsAGroup - scale);
  const wholeGroups = countGroups(whole);
  for (let group = wholeGroups - 1; group >= 0; group--) {
    const digits = whole % base;
    groups[group] = digits;
    whole = (whole - digits) / base;
  }
  for (let group = wholeGroups + fractionGroups - 1; group >= wholeGroups; group--) {
    const digits = fraction % base;
    groups[group] = digits;
    fraction = (fraction - digits) / base;
  }
  return { whole: wholeGroups, fraction: fractionGroups };
}

function countGroups(whole: number): number {
  let count = 0;
  for (let limit = 1; whole >= limit; limit *= base) count++;
  return count;
}

function splitBigInt(value: bigint, scale: number): GroupCount {
  const text = value.toString().padStart(scale + 1, '0');
  const wholeText = text.slice(0, text.length - scale);
  const whole = Math.ceil(wholeText.length / digitsAGroup);
  const fraction = Math.ceil(scale / digitsAGroup);
  const digits =
    wholeText.padStart(whole * digitsAGroup, '0') +
    text.slice(text.length - scale, text.length).padEnd(fraction * digitsAGroup, '0');
  for (let group = 0; group < whole + fraction; group++) {
    groups[group] = Number(digits.slice(group * digitsAGroup, (group + 1) * digitsAGroup));
  }
  return { whole, fraction };
}

function writeGroups(
  chunk: Buffer,
  at: number,
  { whole, fraction }: GroupCount,
  isNegative: boolean,
  scale: number,
): number {
  let first = 0;
  let end = whole + fraction;
  while (first < end && groups[first] === 0) first++;
  while (end > first && groups[end - 1] === 0) end--;
  const isZero = first === end;
  chunk.writeInt16BE(end - first, at);
  chunk.writeInt16BE(isZero ? 0 : whole - 1 - first, at + 2);
  chunk.writeUInt16BE(isNegative ? negativeSign : 0, at + 4);
  chunk.writeInt16BE(scale, at + 6);
  let next = at + headerBytes;
  for (let group = first; group < end; group++) next = chunk.writeUInt16BE(groups[group] ?? 0, next);
  return next;
}

function readDecimal128(words: Uint32Array, word: number): bigint {
  let value = 0n;
  for (let index = 3; index >= 0; index--) value = (value << 32n) | BigInt(words[word + index] ?? 0);
  return BigInt.asIntN(128, value);
}
