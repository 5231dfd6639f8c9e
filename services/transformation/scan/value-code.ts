// The code that scans one value. It refers to `bytes`, `view`, the position `p`, the `row`, and each column's
// `words<i>`, `offsets<i>`, `bytes<i>` and `isValid<i>`; `break fits` leaves the line to the row reader.

import { isColumnFitting } from '../../../shared/model/column-fit.ts';
import type { SourceType, WarehouseType } from '../../../shared/model/define.ts';
import type { SourceField, WarehouseColumn } from '../../../shared/model/model.ts';

/** A column that a field feeds, and its place in the batch. */
export interface Target {
  column: WarehouseColumn;
  index: number;
}

/**
 * The code that scans a value that is not null, from its first byte on, and stores it in its columns. Undefined for a field
 * that is not worth scanning.
 */
export function storeCode(field: SourceField, targets: readonly Target[]): string | undefined {
  // The code below trusts that a column has the words that its values need.
  if (!targets.every(({ column }) => isColumnFitting(field.type, column))) return undefined;
  const moments = targets.filter(({ column }) => isMadeOfMoment(field.type, column));
  const others = targets.filter((target) => !moments.includes(target));
  const codes = others.map((target) => targetCode(field.type, target));
  if (moments.length > 0) codes.push(timestampCode(field.type, moments));
  if (codes.includes(undefined)) return undefined;
  const [first, ...rest] = codes;
  if (rest.length === 0) return first;
  // Each of them scans the value from its start, and all must find one end.
  const again = rest.map((code) => `p = start; ${code} if (p !== end) break fits;`);
  return `{ const start = p; ${first} const end = p; ${again.join('\n')} }`;
}

function targetCode(source: SourceType, target: Target): string | undefined {
  const { from, type } = target.column;
  switch (from.kind) {
    case 'date':
      return dateCode(target);
    case 'lookup':
      return lookupCode(target);
    case 'text':
      return asTextCode(source, target);
    case 'field':
      return type.name === 'carried' ? asTextCode(source, target) : typedCode(source, target, type);
    default:
      return undefined;
  }
}

const isTimestamp = (type: SourceType): boolean => type === 'timestamp' || type === 'timestamptz';

const isMadeOfMoment = (source: SourceType, { from, type }: WarehouseColumn): boolean =>
  isTimestamp(source) &&
  (from.kind === 'date of' || from.kind === 'time of' || (from.kind === 'field' && type.name === source));

function typedCode(source: SourceType, target: Target, type: WarehouseType): string | undefined {
  switch (type.name) {
    case 'smallint':
      return intCode(target, 32_767);
    case 'int':
      return intCode(target, 2_147_483_647);
    case 'bigint':
      return bigintCode(target);
    case 'numeric':
      return numericCode(target, type);
    case 'real':
    case 'double precision':
      return floatCode(source, target);
    case 'boolean':
      return booleanCode(target);
    case 'varchar':
    case 'text':
    case 'json':
    case 'jsonb':
      return textCode(target);
    case 'date':
      return dateCode(target);
    case 'time':
      return timeCode(target);
    case 'uuid':
      return uuidCode(target);
    case 'bytea':
      return byteaCode(target);
    default:
      return undefined;
  }
}

/** The text that Postgres writes is in the line; of a timestamp, but for the T and the minutes of its zone. */
function asTextCode(type: SourceType, target: Target): string {
  if (type === 'timestamp' || type === 'timestamptz') return timestampTextCode(type, target);
  if (type === 'bool') return booleanTextCode(target);
  return isText(type) ? textCode(target) : numberTextCode(target);
}

/** Whether values of the type are strings in the line. */
function isText(type: SourceType): boolean {
  switch (type) {
    case 'varchar':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'uuid':
    case 'bytea':
    case 'json':
    case 'jsonb':
    case 'other':
    case 'masked':
      return true;
    default:
      return false;
  }
}

/** Ten digits are exact in a JavaScript number, and more are no int. JSON has no leading zeros. */
const intCode = ({ index }: Target, greatest: number): string => `{
  const negative = bytes[p] === 45 ? 1 : 0;
  p += negative;
  const first = p;
  let value = 0, digit = bytes[p] - 48;
  while (digit >= 0 && digit <= 9) { value = value * 10 + digit; digit = bytes[++p] - 48; }
  const digits = p - first;
  if (digits < 1 || digits > 10 || (digits > 1 && bytes[first] === 48)) break fits;
  if (value > ${greatest} + negative) break fits;
  words${index}[row] = negative ? -value : value;
}`;

/** Fifteen digits are exact in a JavaScript number. */
const bigintCode = ({ index }: Target): string => `{
  const negative = bytes[p] === 45;
  if (negative) p++;
  const first = p;
  let value = 0, digit = bytes[p] - 48;
  while (digit >= 0 && digit <= 9) { value = value * 10 + digit; digit = bytes[++p] - 48; }
  const digits = p - first;
  if (digits < 1 || digits > 19 || (digits > 1 && bytes[first] === 48)) break fits;
  if (digits > 15) {
    if (!putLongInt64(words${index}, 2 * row, bytes, first, p, negative)) break fits;
  } else {
    if (negative) value = -value;
    const high = Math.floor(value / 4294967296);
    words${index}[2 * row] = value - high * 4294967296;
    words${index}[2 * row + 1] = high;
  }
}`;

/** Fifteen digits are exact in a JavaScript number; the row reader takes longer ones. */
const numericCode = (
  { index }: Target,
  { precision, scale }: { precision: number; scale: number },
): string => `{
  const negative = bytes[p] === 45;
  if (negative) p++;
  const first = p;
  let value = 0, missing = ${scale}, digit = bytes[p] - 48;
  while (digit >= 0 && digit <= 9) { value = value * 10 + digit; digit = bytes[++p] - 48; }
  if (p === first || (p - first > 1 && bytes[first] === 48)) break fits;
  if (bytes[p] === 46) {
    const point = p;
    digit = bytes[++p] - 48;
    while (digit >= 0 && digit <= 9) { value = value * 10 + digit; digit = bytes[++p] - 48; }
    missing -= p - point - 1;
    if (missing < 0 || missing === ${scale}) break fits;
  }
  if (p - first > 16) break fits;
  for (; missing > 0; missing--) value *= 10;
  if (value >= 1e${Math.min(precision, 15)}) break fits;
  if (negative) value = -value;
  const high = Math.floor(value / 4294967296);
  words${index}[4 * row] = value - high * 4294967296;
  words${index}[4 * row + 1] = high;
  words${index}[4 * row + 2] = words${index}[4 * row + 3] = high < 0 ? -1 : 0;
}`;

/** The digits of a float4 mean the float4 that is nearest to them. */
const floatCode = (source: SourceType, { column, index }: Target): string => `{
  const end = numberEnd(bytes, p);
  if (end < 0) break fits;
  const value = ${source === 'float4' ? 'Math.fround' : ''}(numberAt(bytes, p, end));
  if (value - value !== 0) break fits;
  ${column.type.name === 'real' ? `putReal(words${index}, row, value)` : `putDouble(words${index}, 2 * row, value)`};
  p = end;
}`;

/** 0x65757274 is 'true' and 0x65736c61 is 'alse'. */
const booleanCode = ({ index }: Target): string => `
if (view.getInt32(p, true) === 0x65757274) { p += 4; words${index}[row] = 1; }
else if (bytes[p] === 102 && view.getInt32(p + 1, true) === 0x65736c61) { p += 5; words${index}[row] = 0; }
else break fits;`;

/** A byte below 32 is a broken line, its end too. An escape of one byte takes two bytes in the line or six. */
const textCode = ({ index }: Target): string => `{
  if (bytes[p] !== 34) break fits;
  let end = offsets${index}[row], byte = 0;
  while ((byte = bytes[++p]) !== 34) {
    if (byte === 92) {
      byte = unescapedAt(bytes, p);
      if (byte < 0) break fits;
      p += bytes[p + 1] === 117 ? 5 : 1;
    } else if (byte < 32) break fits;
    bytes${index}[end++] = byte;
  }
  p++;
  offsets${index}[row + 1] = end;
}`;

/** The digits of a number as they are; what is no number in JSON is left to the row reader. */
const numberTextCode = ({ index }: Target): string => `{
  const end = numberEnd(bytes, p);
  if (end < 0) break fits;
  let to = offsets${index}[row];
  while (p < end) bytes${index}[to++] = bytes[p++];
  offsets${index}[row + 1] = to;
}`;

const booleanTextCode = ({ index }: Target): string => `{
  const length = view.getInt32(p, true) === 0x65757274 ? 4 : 5;
  if (length === 5 && (bytes[p] !== 102 || view.getInt32(p + 1, true) !== 0x65736c61)) break fits;
  let to = offsets${index}[row];
  for (const end = p + length; p < end; ) bytes${index}[to++] = bytes[p++];
  offsets${index}[row + 1] = to;
}`;

/** Infinity, and years of more than four digits or before Christ, are left to the row reader. */
const timestampTextCode = (type: 'timestamp' | 'timestamptz', target: Target): string => `{
  const first = p + 1;
  if (dayAt(bytes, first) === noDay || secondAt(bytes, first + 11) < 0 || bytes[first + 10] !== 84) break fits;
  ${textCode(target)}
  const last = p - 2;
  ${type === 'timestamptz' ? timestamptzTextCode(target) : `if (bytes[last] < 48 || bytes[last] > 57 || last - first > 25) break fits;`}
  bytes${target.index}[offsets${target.index}[row] + 10] = 32;
}`;

/** The last three bytes of the zone are ':00'. */
const timestamptzTextCode = ({ index }: Target): string => `
  if (view.getInt32(last - 5, true) !== 0x3a30302b || bytes[last - 1] !== 48 || bytes[last] !== 48) break fits;
  offsets${index}[row + 1] -= 3;`;

/**
 * A text of ASCII that the lookup lists. The reserved room is that of the line's texts, and what is listed may be longer.
 */
const lookupCode = ({ index }: Target): string => `{
  if (bytes[p] !== 34) break fits;
  const first = ++p;
  for (let byte = 0; (byte = bytes[p]) !== 34; p++) if (byte < 32 || byte > 126 || byte === 92) break fits;
  const listed = lists[${index}].get(asciiAt(bytes, first, p++));
  let to = offsets${index}[row];
  if (listed === undefined || to + listed.length > bytes${index}.length) break fits;
  for (let at = 0; at < listed.length; at++) bytes${index}[to++] = listed[at];
  offsets${index}[row + 1] = to;
}`;

const uuidCode = ({ index }: Target): string => `{
  if (bytes[p] !== 34 || bytes[p + 37] !== 34 || !isUuidAt(bytes, p + 1)) break fits;
  let to = offsets${index}[row];
  for (const end = p + 37; ++p < end; ) bytes${index}[to++] = bytes[p];
  p++;
  offsets${index}[row + 1] = to;
}`;

/** A quote and \\x, then two digits a byte. */
const byteaCode = ({ index }: Target): string => `{
  if (bytes[p] !== 34 || bytes[p + 1] !== 92 || bytes[p + 2] !== 92 || bytes[p + 3] !== 120) break fits;
  p += 4;
  let to = offsets${index}[row], high = 0;
  while ((high = hexDigit(bytes[p])) >= 0) {
    const low = hexDigit(bytes[p + 1]);
    if (low < 0) break fits;
    bytes${index}[to++] = high * 16 + low;
    p += 2;
  }
  if (bytes[p++] !== 34) break fits;
  offsets${index}[row + 1] = to;
}`;

const dateCode = ({ index }: Target): string => `{
  const day = dayAt(bytes, p + 1);
  if (day === noDay || bytes[p] !== 34 || bytes[p + 11] !== 34) break fits;
  words${index}[row] = day;
  p += 12;
}`;

/** Of a second, if a point follows. */
const fractionCode = `
  let micros = 0;
  if (bytes[p] === 46) {
    let unit = 1000000, digit = bytes[++p] - 48;
    while (digit >= 0 && digit <= 9) { unit /= 10; micros += digit * unit; digit = bytes[++p] - 48; }
    if (unit < 1 || unit === 1000000) break fits;
  }`;

const timeCode = ({ index }: Target): string => `{
  const second = secondAt(bytes, p + 1);
  if (second < 0 || bytes[p] !== 34) break fits;
  p += 9;
  ${fractionCode}
  if (bytes[p++] !== 34) break fits;
  micros += second * 1000000;
  words${index}[2 * row] = micros; words${index}[2 * row + 1] = micros / 4294967296;
}`;

/** 0x3a30302b is '+00:'. An extract writes every timestamptz in UTC. */
const zoneCode = `if (view.getInt32(p, true) !== 0x3a30302b || bytes[p + 4] !== 48 || bytes[p + 5] !== 48) break fits;
  p += 6;`;

const timestampCode = (type: SourceType, targets: readonly Target[]): string => `{
  const day = dayAt(bytes, p + 1), second = secondAt(bytes, p + 12);
  if (day === noDay || second < 0 || bytes[p] !== 34 || bytes[p + 11] !== 84) break fits;
  p += 20;
  ${fractionCode}
  ${type === 'timestamptz' ? zoneCode : ''}
  if (bytes[p++] !== 34) break fits;
  ${targets.map(momentCode).join('\n  ')}
}`;

/** The microseconds since 1970 are too many for a JavaScript number, and a 64th of them is not. */
function momentCode({ column, index }: Target): string {
  switch (column.from.kind) {
    case 'date of':
      return `words${index}[row] = day;`;
    case 'time of':
      return `{
    const time = micros + second * 1000000;
    words${index}[2 * row] = time; words${index}[2 * row + 1] = time / 4294967296;
  }`;
    default:
      return `{
    const part = (day * 86400 + second) * 15625 + (micros >> 6), high = Math.floor(part / 67108864);
    words${index}[2 * row] = (part - high * 67108864) * 64 + (micros & 63); words${index}[2 * row + 1] = high;
  }`;
  }
}

/**
 * The code that passes over the value of a field that no column is made from: null, or what its type looks like in
 * JSON.
 */
export const skipCode = ({ type }: SourceField): string =>
  `if (view.getInt32(p, true) === 0x6c6c756e) p += 4; else { ${skipTypeCode(type)} }`;

function skipTypeCode(type: SourceType): string {
  if (isText(type)) return skipTextCode;
  if (type === 'float4' || type === 'float8') return skipFloatCode;
  return type === 'bool' ? skipBooleanCode : skipNumberCode;
}

const skipTextCode = `
if (bytes[p] !== 34) break fits;
let byte = 0;
while ((byte = bytes[++p]) !== 34) {
  if (byte === 92) {
    if (unescapedAt(bytes, p) < 0) break fits;
    p += bytes[p + 1] === 117 ? 5 : 1;
  } else if (byte < 32) break fits;
}
p++;`;

const skipBooleanCode = `
if (view.getInt32(p, true) === 0x65757274) p += 4;
else if (bytes[p] === 102 && view.getInt32(p + 1, true) === 0x65736c61) p += 5;
else break fits;`;

const skipNumberCode = `
if (bytes[p] === 45) p++;
const first = p;
while (bytes[p] >= 48 && bytes[p] <= 57) p++;
if (p === first || (p - first > 1 && bytes[first] === 48)) break fits;
if (bytes[p] === 46) {
  const point = p++;
  while (bytes[p] >= 48 && bytes[p] <= 57) p++;
  if (p === point + 1) break fits;
}`;

const skipFloatCode = `
const end = numberEnd(bytes, p);
if (end < 0) break fits;
p = end;`;
