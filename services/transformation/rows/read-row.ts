import { isUtf8 } from 'node:buffer';
import { data } from 'currency-codes';
import { dateOfEpochDay, epochDayOf } from '../../../shared/model/calendar.ts';
import { isColumnFitting } from '../../../shared/model/column-fit.ts';
import type { Derivation } from '../../../shared/model/define.ts';
import type { Dimension, Fact, WarehouseColumn } from '../../../shared/model/model.ts';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import { type Batch, type ColumnBuffer, setInt, setNull, setNumeric, setText, setTime } from './batch.ts';

/** What is wrong with a row; the column is null if the line is not a row at all. */
export interface Fault {
  column: string | null;
  reason: Reason;
  /** The source's business key, if the line shows one. */
  key: QuarantinedRow['key'];
}

export interface RowReader {
  /** Adds a line's row to the batch, or returns what is wrong with it. The line has no newline. */
  read(batch: Batch, line: Uint8Array): Fault | undefined;
  /** Currency codes outside ISO 4217 among the rows that were read. */
  unknownCurrencies: ReadonlySet<string>;
}

/**
 * Reads rows by JSON.parse, with keys in any order and with any escapes. It defines what a legal row is; the scanner
 * follows it for the lines that it knows.
 *
 * A field that no column is made from must be present; its value does not matter.
 */
export function makeRowReader(table: Dimension | Fact): RowReader {
  const { fields, key } = table.source;
  const fieldNames = new Set(fields.map(({ name }) => name));
  const unknownCurrencies = new Set<string>();
  // Text does not show its type: a timestamp, for example, would land in a varchar in a form that no cast writes.
  const misfit = findMisfit(table);

  const findFault = (batch: Batch, row: Map<string, unknown>): Omit<Fault, 'key'> | undefined => {
    for (const name of fieldNames) if (!row.has(name)) return { column: name, reason: 'is missing' };
    for (const name of row.keys()) {
      if (!fieldNames.has(name)) return { column: name, reason: 'is not in the model' };
    }
    if (misfit !== undefined) {
      return { column: misfit.from.field, reason: `is not of a type that ${misfit.name} is made of` };
    }
    for (const [index, buffer] of batch.columns.entries()) {
      const from = table.columns[index]?.from;
      if (from === undefined) continue;
      const value = row.get(from.field);
      const reason = storeValue(buffer, batch.rows, value, from.kind);
      if (reason !== undefined) return { column: from.field, reason };
      if (from.kind === 'currency name' && typeof value === 'string' && currencyNameOf(value) === undefined) {
        unknownCurrencies.add(value);
      }
    }
    return undefined;
  };

  return {
    unknownCurrencies,
    read(batch, line) {
      if (!isUtf8(line)) return { column: null, reason: 'the line is not UTF-8', key: null };
      const row = parseJsonLine(Buffer.from(line.buffer, line.byteOffset, line.length).toString());
      if (row === undefined) return { column: null, reason: 'the line is not a JSON object', key: null };
      const fault = findFault(batch, row);
      if (fault !== undefined) return { ...fault, key: readKey(row, key) };
      batch.rows++;
      return undefined;
    },
  };
}

const findMisfit = ({ source, columns }: Dimension | Fact): WarehouseColumn | undefined =>
  columns.find((column) => {
    const field = source.fields.find(({ name }) => name === column.from.field);
    return field === undefined || !isColumnFitting(field.type, column);
  });

function readKey(row: ReadonlyMap<string, unknown>, columns: readonly string[]): QuarantinedRow['key'] {
  const values = columns.map((column) => toKey(row.get(column)));
  const known = values.filter((value) => value !== null);
  const [only = null] = known;
  if (known.length < values.length) return null;
  return known.length === 1 ? only : known;
}

function toKey(value: unknown): number | string | null {
  if (typeof value === 'string') return value;
  if (!(value instanceof JsonNumber)) return null;
  const number = Number(value.digits);
  return Number.isSafeInteger(number) ? number : value.digits;
}

/** A number as its digits stand in the line: a JavaScript number would lose some of them. */
class JsonNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

/** JSON.parse hands its reviver the source text of a primitive value; TypeScript's library does not know yet. */
type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/** The values of one JSON line by their keys, numbers as JsonNumber; undefined if it is not a JSON object. */
function parseJsonLine(text: string): Map<string, unknown> | undefined {
  const row = parse(text);
  if (typeof row !== 'object' || row === null || Array.isArray(row) || row instanceof JsonNumber) return;
  return new Map(Object.entries(row));
}

function parse(text: string): unknown {
  const keepDigits: Reviver = (_key, value, context) =>
    typeof value === 'number' ? new JsonNumber(context?.source ?? '') : value;
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    return undefined;
  }
}

/** Why a value cannot be stored. It goes to logs, so it never holds the value. */
export type Reason = string;

/**
 * Stores a field's value in a column, or says why it cannot.
 *
 * @param value as parseJsonLine gives it
 * @param kind what the column makes of the field
 */
function storeValue(
  column: ColumnBuffer,
  row: number,
  value: unknown,
  kind: Derivation['kind'],
): Reason | undefined {
  if (value === null) {
    if (!column.nullable) return 'is null';
    setNull(column, row);
    return undefined;
  }
  if (column.nullable) column.isValid[row] = 1;
  switch (kind) {
    case 'date':
      return storeDate(column, row, value);
    case 'date of':
    case 'time of':
      return storeTimestampPart(column, row, value, kind);
    case 'currency name':
      return storeText(column, row, typeof value === 'string' ? (currencyNameOf(value) ?? value) : value);
    case 'field':
      return storeField(column, row, value);
  }
}

function storeField(column: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  switch (column.type.name) {
    case 'int':
      return storeInt(column, row, value);
    case 'numeric':
      return storeNumeric(column, row, value, column.type);
    case 'boolean':
      if (typeof value !== 'boolean') return 'is not a boolean';
      setInt(column, row, Number(value));
      return undefined;
    case 'varchar':
      return storeText(column, row, value);
    case 'date':
    case 'time':
      return `a ${column.type.name} is made of another field`;
  }
}

function storeInt(column: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  if (!(value instanceof JsonNumber) || !/^-?\d+$/.test(value.digits)) return 'is not a whole number';
  const whole = Number(value.digits);
  if (whole < -(2 ** 31) || whole >= 2 ** 31) return 'is beyond the range of an int';
  setInt(column, row, whole);
  return undefined;
}

function storeNumeric(
  column: ColumnBuffer,
  row: number,
  value: unknown,
  { precision, scale }: { precision: number; scale: number },
): Reason | undefined {
  const digits = value instanceof JsonNumber ? value.digits : '';
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits) ?? [];
  if (whole === undefined) return 'is not a decimal number';
  // A numeric without a scale has as many zeros as were written: dropping those loses nothing.
  if (!/^0*$/.test(fraction.slice(scale))) return `has more than ${scale} digits after the point`;
  const unscaled = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  if (unscaled >= 10n ** BigInt(precision))
    return `has more than ${precision - scale} digits before the point`;
  setNumeric(column, row, sign === '-' ? -unscaled : unscaled);
  return undefined;
}

function storeText(column: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  if (typeof value !== 'string') return 'is not text';
  // Postgres refuses both, and would refuse the whole object along with the row.
  if (value.includes('\0')) return 'holds U+0000';
  if (!value.isWellFormed()) return 'holds half a surrogate pair';
  setText(column, row, value);
  return undefined;
}

function storeDate(column: ColumnBuffer, row: number, value: unknown): Reason | undefined {
  if (typeof value !== 'string') return 'is not text';
  const day = parseDate(value);
  if (day === undefined) return 'is not a date (expected YYYY-MM-DD)';
  setInt(column, row, day);
  return undefined;
}

function storeTimestampPart(
  column: ColumnBuffer,
  row: number,
  value: unknown,
  kind: 'date of' | 'time of',
): Reason | undefined {
  if (typeof value !== 'string') return 'is not a timestamp';
  const outside = outsideCalendar(value);
  if (outside !== undefined) return outside;
  const day = parseDate(value.slice(0, 10));
  const micros = value[10] === 'T' ? parseTime(value.slice(11)) : undefined;
  if (day === undefined || micros === undefined) return 'is not a timestamp';
  if (kind === 'date of') setInt(column, row, day);
  else setTime(column, row, micros);
  return undefined;
}

/** Postgres' timestamps reach further than the warehouse's calendar, which has the years 1 to 9999. */
function outsideCalendar(value: string): Reason | undefined {
  if (/^-?infinity$/.test(value)) return 'is infinite';
  if (/^\d{4,}-.* BC$/.test(value)) return 'is before the year 1';
  if (/^\d{5,}-/.test(value)) return 'is after the year 9999';
  return undefined;
}

/** Days since 1970-01-01, or undefined for a text that is not a day of the years 1 to 9999. */
function parseDate(text: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined || year < 1) return undefined;
  if (month < 1 || month > 12 || day < 1) return undefined;
  const epochDay = epochDayOf(year, month, day);
  return dateOfEpochDay(epochDay).day === day ? epochDay : undefined;
}

/** Microseconds since midnight, or undefined for a text that is not a time of day. */
function parseTime(text: string): number | undefined {
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1, 4).map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + Number((match[4] ?? '').padEnd(6, '0'));
}

/** Added to the standard after the list that the package holds. */
const laterCurrencies = [
  ['XCG', 'Caribbean Guilder'],
  ['XAD', 'Arab Accounting Dinar'],
] as const;

// Some names of the agency's list end in a space, which the package copies.
const currencyNames = new Map<string, string>([
  ...data.map(({ code, currency }) => [code, currency.trim()] as const),
  ...laterCurrencies,
]);

/**
 * The English name that ISO 4217 gives to a currency code; undefined for a code that is not in the list.
 *
 * @example currencyNameOf('GBP') // 'Pound Sterling'
 */
export const currencyNameOf = (code: string): string | undefined => currencyNames.get(code);
