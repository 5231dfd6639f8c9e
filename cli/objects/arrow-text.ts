import { type Data, DataType, makeVector } from 'apache-arrow';

/** How a value stands in a line: a string in quotes, anything else as it is. */
export interface ValueText {
  text: string;
  isString: boolean;
}

const maxInt32 = 2 ** 31 - 1;
const minInt32 = -(2 ** 31);
const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);
const microsADay = 86_400_000_000n;

/**
 * Makes a reader of one column's values, as the lines of the ingested zone write them: numbers by their digits, timestamps
 * with a T and a timestamptz in UTC, bytes in hexadecimal.
 */
export function makeReader(data: Data): (row: number) => ValueText {
  const { type, values, valueOffsets } = data;
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const isText = DataType.isUtf8(type);
    return (row) => {
      const [start, end] = [valueOffsets[row], valueOffsets[row + 1]];
      return string(isText ? bytes.toString('utf8', start, end) : `\\x${bytes.toString('hex', start, end)}`);
    };
  }
  if (DataType.isDecimal(type)) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
    return (row) => plain(formatDecimal(unscaledOf(words, row), type.scale));
  }
  if (DataType.isDate(type)) return (row) => string(formatDay(Number(values[row])));
  if (DataType.isTime(type)) return (row) => string(formatMicrosOfDay(BigInt(values[row] as bigint)));
  if (DataType.isTimestamp(type)) {
    const zone = type.timezone ? '+00:00' : '';
    return (row) => string(formatMicros(BigInt(values[row] as bigint), zone));
  }
  if (values instanceof Float32Array) return (row) => float(values[row] as number, formatFloat32);
  if (values instanceof Float64Array) return (row) => float(values[row] as number, String);
  if (DataType.isInt(type)) return (row) => plain(String(values[row]));
  const vector = makeVector(data);
  return (row) => plain(String(vector.get(row)));
}

const string = (text: string): ValueText => ({ text, isString: true });
const plain = (text: string): ValueText => ({ text, isString: false });

/** JSON has no number for NaN and the infinities. */
const float = (value: number, format: (value: number) => string): ValueText =>
  Number.isFinite(value) ? plain(Object.is(value, -0) ? '-0' : format(value)) : string(String(value));

/** The fewest digits that are this float and no other, as Postgres writes it. */
function formatFloat32(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

/** @param words four a value, the lowest first */
function unscaledOf(words: Uint32Array, row: number): bigint {
  let unscaled = 0n;
  for (let word = 3; word >= 0; word--)
    unscaled = (unscaled << 32n) | BigInt(words[4 * row + word] as number);
  return BigInt.asIntN(128, unscaled);
}

function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

function formatDay(day: number): string {
  if (day === maxInt32) return 'infinity';
  if (day === minInt32) return '-infinity';
  const { date, era } = civilOf(day);
  return date + era;
}

function formatMicros(micros: bigint, zone: string): string {
  if (micros === maxInt64) return 'infinity';
  if (micros === minInt64) return '-infinity';
  const ofDay = ((micros % microsADay) + microsADay) % microsADay;
  const { date, era } = civilOf(Number((micros - ofDay) / microsADay));
  return `${date}T${formatMicrosOfDay(ofDay)}${zone}${era}`;
}

function formatMicrosOfDay(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const fraction = String(micros % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return fraction === '' ? clock : `${clock}.${fraction}`;
}

/**
 * The date of a day since 1970-01-01. JavaScript's Date does not have all the years that Postgres has.
 *
 * @see https://howardhinnant.github.io/date_algorithms.html#civil_from_days
 */
function civilOf(day: number): { date: string; era: string } {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = (Math.floor((5 * dayOfYear + 2) / 153) + 2) % 12;
  const date = dayOfYear - Math.floor((153 * ((month + 10) % 12) + 2) / 5) + 1;
  const year = yearOfEra + era * 400 + (month <= 1 ? 1 : 0);
  const isBefore = year <= 0;
  const two = (part: number) => String(part).padStart(2, '0');
  const shown = String(isBefore ? 1 - year : year).padStart(4, '0');
  return { date: `${shown}-${two(month + 1)}-${two(date)}`, era: isBefore ? ' BC' : '' };
}
