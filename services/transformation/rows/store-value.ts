import type { SourceType, WarehouseType } from '../../../shared/model/define.ts';
import type { WarehouseColumn } from '../../../shared/model/model.ts';
import {
  type ColumnBuffer,
  setBytes,
  setDouble,
  setInt,
  setInt64,
  setNull,
  setNumeric,
  setReal,
  setText,
  setTime,
} from './batch.ts';
import {
  infiniteDays,
  infiniteMicros,
  isInfinite,
  outsideCalendar,
  parseCalendarDay,
  parseDay,
  parseTime,
  parseTimestamp,
} from './parse-moment.ts';

/** Why a value cannot be stored. It goes to logs, so it never holds the value. */
export type Reason = string;

/** A number as its digits stand in the line: a JavaScript number would lose some of them. */
export class JsonNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

/** A column that a value is stored in, and the field that it is made of. */
export interface Target {
  column: WarehouseColumn;
  /** Of the field. */
  type: SourceType;
  /** The column refers to the calendar, which has no date outside of the years 1 to 9999. */
  isInCalendar: boolean;
}

/**
 * Stores a field's value in a column, or says why it cannot.
 *
 * @param value of the JSON line, a number as JsonNumber
 */
export function storeValue(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  target: Target,
): Reason | undefined {
  const { column, type } = target;
  if (value === null) return storeNull(buffer, row);
  if (buffer.nullable) buffer.isValid[row] = 1;
  switch (column.from.kind) {
    case 'field':
      return storeField(buffer, row, value, target);
    case 'date':
      return storeParsedDate(buffer, row, value);
    case 'date of':
      return storeDateOf(buffer, row, value, target);
    case 'time of':
      return storeTimeOf(buffer, row, value, type);
    case 'text':
      return storeText(buffer, row, postgresText(value, type));
    case 'lookup':
      return storeListed(buffer, row, value, column);
  }
}

function storeNull(buffer: ColumnBuffer, row: number): Reason | undefined {
  if (!buffer.nullable) return 'is null';
  setNull(buffer, row);
  return undefined;
}

function storeField(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  { column, type, isInCalendar }: Target,
): Reason | undefined {
  switch (column.type.name) {
    case 'smallint':
    case 'int':
    case 'bigint':
      return storeWhole(buffer, row, value, column.type.name);
    case 'real':
    case 'double precision':
      return storeFloat(buffer, row, value, type);
    case 'numeric':
      return storeNumeric(buffer, row, value, column.type);
    case 'boolean':
      if (typeof value !== 'boolean') return 'is not a boolean';
      setInt(buffer, row, Number(value));
      return undefined;
    case 'date':
      return storeDate(buffer, row, value, isInCalendar);
    case 'time':
      return storeTime(buffer, row, value);
    case 'timestamp':
    case 'timestamptz':
      return storeTimestamp(buffer, row, value, type);
    case 'uuid':
      return storeUuid(buffer, row, value);
    case 'bytea':
      return storeBytea(buffer, row, value);
    case 'carried':
      return storeText(buffer, row, postgresText(value, type));
    case 'varchar':
    case 'text':
    case 'json':
    case 'jsonb':
      return storeText(buffer, row, value);
  }
}

const wholeNumbers = {
  smallint: { bits: 16, name: 'a smallint' },
  int: { bits: 32, name: 'an int' },
  bigint: { bits: 64, name: 'a bigint' },
} as const;

function storeWhole(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  type: keyof typeof wholeNumbers,
): Reason | undefined {
  const digits = value instanceof JsonNumber ? value.digits : '';
  if (!/^-?\d+$/.test(digits)) return 'is not a whole number';
  const { bits, name } = wholeNumbers[type];
  // More digits than any of these has, so that no time goes into a number of thousands of them.
  const whole = digits.length > 25 ? undefined : BigInt(digits);
  if (whole === undefined || BigInt.asIntN(bits, whole) !== whole) return `is beyond the range of ${name}`;
  if (type === 'bigint') setInt64(buffer, row, whole);
  else setInt(buffer, row, Number(whole));
  return undefined;
}

const isNumber = (type: SourceType): boolean => /^(int|oid|numeric|float)/.test(type);

/** How row_to_json writes what is no number in JSON. */
const notNumbers: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

function storeFloat(buffer: ColumnBuffer, row: number, value: unknown, type: SourceType): Reason | undefined {
  const number = value instanceof JsonNumber ? Number(value.digits) : notNumbers.get(value);
  if (number === undefined) return 'is not a number';
  // The digits of a float4 mean the float4 that is nearest to them.
  const meant = type === 'float4' ? Math.fround(number) : number;
  if (value instanceof JsonNumber && !Number.isFinite(meant)) return `is beyond the range of a ${type}`;
  if (buffer.type.name === 'real') setReal(buffer, row, meant);
  else setDouble(buffer, row, meant);
  return undefined;
}

function storeNumeric(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  { precision, scale }: Extract<WarehouseType, { name: 'numeric' }>,
): Reason | undefined {
  if (value === 'NaN') return 'is NaN';
  if (notNumbers.has(value)) return 'is infinite';
  const digits = value instanceof JsonNumber ? value.digits : '';
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits) ?? [];
  if (whole === undefined) return 'is not a decimal number';
  // A numeric without a scale has as many zeros as were written: dropping those loses nothing.
  if (!/^0*$/.test(fraction.slice(scale))) return `has more than ${scale} digits after the point`;
  const excess = `has more than ${precision - scale} digits before the point`;
  if (whole.length > precision && !/^0+$/.test(whole)) return excess;
  const unscaled = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  if (unscaled >= 10n ** BigInt(precision)) return excess;
  setNumeric(buffer, row, sign === '-' ? -unscaled : unscaled);
  return undefined;
}

function storeText(buffer: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  if (typeof value !== 'string') return 'is not text';
  // Postgres refuses both, and would refuse the whole object along with the row.
  if (value.includes('\0')) return 'holds U+0000';
  if (!value.isWellFormed()) return 'holds half a surrogate pair';
  setText(buffer, row, value);
  return undefined;
}

/** The text that Postgres itself writes for the value, where row_to_json writes another one; undefined for no value. */
function postgresText(value: unknown, type: SourceType): string | undefined {
  if (value instanceof JsonNumber) return value.digits;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'string' || (isNumber(type) && !notNumbers.has(value))) return undefined;
  if (type === 'timestamp') return value.replace('T', ' ');
  if (type === 'timestamptz') return value.replace('T', ' ').replace('+00:00', '+00');
  return value;
}

function storeUuid(buffer: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  const isUuid = typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
  if (!isUuid) return 'is not a uuid';
  setText(buffer, row, value);
  return undefined;
}

function storeBytea(buffer: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  if (typeof value !== 'string' || !value.startsWith('\\x')) return 'is not a bytea';
  // It stops at the first character that is no digit.
  const bytes = Buffer.from(value.slice(2), 'hex');
  if (2 * bytes.length !== value.length - 2) return 'is not a bytea';
  setBytes(buffer, row, bytes);
  return undefined;
}

function storeParsedDate(buffer: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  if (typeof value !== 'string') return 'is not text';
  const day = parseCalendarDay(value);
  if (day === undefined) return 'is not a date (expected YYYY-MM-DD)';
  setInt(buffer, row, day);
  return undefined;
}

function storeDate(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  isInCalendar: boolean,
): Reason | undefined {
  if (typeof value !== 'string') return 'is not a date';
  const outside = isInCalendar ? outsideCalendar(value) : undefined;
  if (outside !== undefined) return outside;
  const day = isInfinite(value) ? infiniteDays[value] : parseDay(value);
  if (day === undefined) return 'is not a date';
  setInt(buffer, row, day);
  return undefined;
}

function storeTime(buffer: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  const micros = typeof value === 'string' ? parseTime(value) : undefined;
  if (micros === undefined) return 'is not a time';
  setTime(buffer, row, micros);
  return undefined;
}

function storeTimestamp(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  type: SourceType,
): Reason | undefined {
  if (typeof value !== 'string') return 'is not a timestamp';
  if (isInfinite(value)) {
    setInt64(buffer, row, infiniteMicros[value]);
    return undefined;
  }
  const moment = parseTimestamp(value, type === 'timestamptz');
  if (moment === undefined) return 'is not a timestamp';
  const micros = BigInt(moment.day) * 86_400_000_000n + BigInt(moment.micros);
  // The greatest number of 64 bits stands for infinity.
  if (micros >= infiniteMicros.infinity) return 'is after 294247-01-10, where 64 bits of microseconds end';
  setInt64(buffer, row, micros);
  return undefined;
}

function storeDateOf(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  { type, isInCalendar }: Target,
): Reason | undefined {
  if (typeof value !== 'string') return 'is not a timestamp';
  const outside = isInCalendar ? outsideCalendar(value) : undefined;
  if (outside !== undefined) return outside;
  const day = isInfinite(value) ? infiniteDays[value] : parseTimestamp(value, type === 'timestamptz')?.day;
  if (day === undefined) return 'is not a timestamp';
  setInt(buffer, row, day);
  return undefined;
}

function storeTimeOf(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  type: SourceType,
): Reason | undefined {
  if (typeof value !== 'string') return 'is not a timestamp';
  if (isInfinite(value)) return 'is infinite';
  const moment = parseTimestamp(value, type === 'timestamptz');
  if (moment === undefined) return 'is not a timestamp';
  setTime(buffer, row, moment.micros);
  return undefined;
}

/** A text that the lookup does not list becomes what `else` says, and is a fault without it. */
function storeListed(
  buffer: ColumnBuffer,
  row: number,
  value: unknown,
  { from, listed }: WarehouseColumn,
): Reason | undefined {
  const found = typeof value === 'string' ? listed?.get(value) : undefined;
  if (found !== undefined || typeof value !== 'string') return storeText(buffer, row, found);
  if (from.else === 'self') return storeText(buffer, row, value);
  return from.else === 'null' ? storeNull(buffer, row) : `is not in the lookup ${from.lookup}`;
}
