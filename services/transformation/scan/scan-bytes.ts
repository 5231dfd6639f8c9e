// What the scanner's code calls: it reads dates, times and escapes at a position of the line.

import { epochDayOf } from '../../../shared/model/calendar.ts';

/** What dayAt returns if there is no date: not a day of the years 1 to 9999. */
export const noDay = -(2 ** 31);

const dash = 0x2d;
const colon = 0x3a;

/**
 * What two bytes say, the first one times 256. Less code than four comparisons for each of a date's numbers, of which the
 * scanner holds many: V8 compiles it sooner, and a new worker's first scan is faster.
 */
const twoDigits = new Int8Array(2 ** 16).fill(-1);
for (let number = 0; number < 100; number++) {
  twoDigits[Buffer.from(String(number).padStart(2, '0')).readUInt16BE()] = number;
}

/** Days since 1970-01-01 of each year's first day; one more year ends the last. */
const yearStarts = Int32Array.from({ length: 10_001 }, (_, year) => epochDayOf(year, 1, 1));

/** Days from a year's first day to each month's, 1 to 12 and the year's end; leap years from 16 on. */
const monthStarts = Int32Array.from({ length: 32 }, (_, index) => {
  const year = index < 16 ? 2001 : 2004;
  const month = index % 16;
  return month > 12 ? epochDayOf(year + 1, 1, 1) - epochDayOf(year, 1, 1) : daysBefore(year, month);
});

function daysBefore(year: number, month: number): number {
  return month < 1 ? 0 : epochDayOf(year, month, 1) - epochDayOf(year, 1, 1);
}

/** Days since 1970-01-01 of the `YYYY-MM-DD` at a position, or noDay. */
export function dayAt(bytes: Uint8Array, at: number): number {
  const century = twoDigitsAt(bytes, at);
  const yearOfCentury = twoDigitsAt(bytes, at + 2);
  const month = twoDigitsAt(bytes, at + 5);
  const day = twoDigitsAt(bytes, at + 8);
  if ((century | yearOfCentury | month | day) < 0) return noDay;
  if (bytes[at + 4] !== dash || bytes[at + 7] !== dash || month < 1 || month > 12 || day < 1) return noDay;
  const year = century * 100 + yearOfCentury;
  if (year < 1) return noDay;
  const start = yearStarts[year] as number;
  const leap = (yearStarts[year + 1] as number) - start === 366 ? 16 : 0;
  const monthStart = monthStarts[leap + month] as number;
  if (monthStart + day > (monthStarts[leap + month + 1] as number)) return noDay;
  return start + monthStart + day - 1;
}

/** Seconds since midnight of the `HH:MM:SS` at a position, or a negative number. */
export function secondAt(bytes: Uint8Array, at: number): number {
  const hours = twoDigitsAt(bytes, at);
  const minutes = twoDigitsAt(bytes, at + 3);
  const seconds = twoDigitsAt(bytes, at + 6);
  if ((hours | minutes | seconds) < 0 || hours > 23 || minutes > 59 || seconds > 59) return -1;
  if (bytes[at + 2] !== colon || bytes[at + 5] !== colon) return -1;
  return (hours * 60 + minutes) * 60 + seconds;
}

/** A number of two digits, or -1 if they are not digits. */
const twoDigitsAt = (bytes: Uint8Array, at: number): number =>
  twoDigits[((bytes[at] as number) << 8) | (bytes[at + 1] as number)] as number;

const letterU = 0x75;

/** By the byte behind a backslash: the byte that JSON means, 0 if it means none. */
const meanings = new Uint8Array(256);
for (const [letter, meaning] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) =>
  Buffer.from(pair),
)) {
  meanings[letter as number] = meaning as number;
}

/**
 * The byte that the escape at a position stands for, or a negative number for what is left to the row reader: no escape,
 * or one of a character that takes more than a byte. Postgres escapes only control characters, quotes and backslashes.
 */
export function unescapedAt(bytes: Uint8Array, at: number): number {
  const letter = bytes[at + 1] as number;
  if (letter !== letterU) return (meanings[letter] as number) || -1;
  const high = hexDigit(bytes[at + 4] as number);
  const low = hexDigit(bytes[at + 5] as number);
  if (bytes[at + 2] !== 0x30 || bytes[at + 3] !== 0x30 || high < 0 || high > 7 || low < 0) return -1;
  return high * 16 + low || -1;
}

/** -1 for a byte that is none. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Whether 36 bytes are a uuid as Postgres writes it. */
export function isUuidAt(bytes: Uint8Array, at: number): boolean {
  for (let place = 0; place < 36; place++) {
    const byte = bytes[at + place] as number;
    const isDash = place === 8 || place === 13 || place === 18 || place === 23;
    if (isDash ? byte !== dash : !((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66)))
      return false;
  }
  return true;
}

/**
 * Puts a whole number of 16 to 19 digits into two words, the lower first.
 *
 * @returns false if it is beyond 64 bits
 */
export function putLongInt64(
  words: Int32Array,
  at: number,
  bytes: Uint8Array,
  first: number,
  end: number,
  isNegative: boolean,
): boolean {
  let low = 0;
  let high = 0;
  for (let place = first; place < end; place++) {
    low = low * 10 + (bytes[place] as number) - 48;
    const carry = Math.floor(low / 2 ** 32);
    low -= carry * 2 ** 32;
    high = high * 10 + carry;
  }
  if (high >= 2 ** 31 && !(isNegative && high === 2 ** 31 && low === 0)) return false;
  words[at] = isNegative ? -low : low;
  words[at + 1] = isNegative ? -high - (low > 0 ? 1 : 0) : high;
  return true;
}

const point = 0x2e;
const plus = 0x2b;
const letterE = 0x65;

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

function digitsEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (isDigit(bytes[end])) end++;
  return end;
}

/** Where the JSON number at a position ends, its exponent included; a negative number if there is none. */
export function numberEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === dash ? at + 1 : at;
  let end = digitsEnd(bytes, first);
  if (end === first || (end - first > 1 && bytes[first] === 0x30)) return -1;
  if (bytes[end] === point) {
    const fraction = end + 1;
    end = digitsEnd(bytes, fraction);
    if (end === fraction) return -1;
  }
  if (bytes[end] !== letterE) return end;
  const exponent = bytes[end + 1] === plus || bytes[end + 1] === dash ? end + 2 : end + 1;
  end = digitsEnd(bytes, exponent);
  return end === exponent ? -1 : end;
}

/** Up to here a power of ten is exact in a JavaScript number. */
const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/**
 * The JSON number between two positions. Up to 15 digits without an exponent are exact, and so is their power of ten: the
 * quotient is rounded once. Others go through a string.
 */
export function numberAt(bytes: Uint8Array, at: number, end: number): number {
  const isNegative = bytes[at] === dash;
  const first = isNegative ? at + 1 : at;
  if (end - first > 16) return Number(asciiAt(bytes, at, end));
  let value = 0;
  let fraction = 0;
  let pointAt = -1;
  for (let place = first; place < end; place++) {
    const byte = bytes[place] as number;
    if (byte === point) pointAt = place;
    else if (isDigit(byte)) value = value * 10 + byte - 48;
    else return Number(asciiAt(bytes, at, end));
  }
  if (pointAt >= 0) fraction = end - pointAt - 1;
  else if (end - first > 15) return Number(asciiAt(bytes, at, end));
  const magnitude = value / (powersOfTen[fraction] as number);
  return isNegative ? -magnitude : magnitude;
}

const double = new Float64Array(1);
const doubleWords = new Int32Array(double.buffer);
const single = new Float32Array(1);
const singleWords = new Int32Array(single.buffer);

export function putDouble(words: Int32Array, at: number, value: number): void {
  double[0] = value;
  words[at] = doubleWords[0] as number;
  words[at + 1] = doubleWords[1] as number;
}

export function putReal(words: Int32Array, at: number, value: number): void {
  single[0] = value;
  words[at] = singleWords[0] as number;
}

export function asciiAt(bytes: Uint8Array, first: number, end: number): string {
  let text = '';
  for (let place = first; place < end; place++) text += String.fromCharCode(bytes[place] as number);
  return text;
}

/** What the generated code calls, by the names that it has there. */
export const scanningFunctions = {
  dayAt,
  secondAt,
  noDay,
  unescapedAt,
  asciiAt,
  hexDigit,
  isUuidAt,
  putLongInt64,
  numberEnd,
  numberAt,
  putDouble,
  putReal,
};
