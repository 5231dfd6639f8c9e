import { isUtf8 } from 'node:buffer';
import { isColumnFitting } from '../../../shared/model/column-fit.ts';
import type { Calendar, Dimension, Fact, WarehouseColumn } from '../../../shared/model/model.ts';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import type { Batch } from './batch.ts';
import type { LineFields } from './line-fields.ts';
import { JsonNumber, type Reason, storeValue, type Target } from './store-value.ts';

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
  /** By the name of a lookup: the texts among the rows that were read which it does not list. */
  unlisted: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Reads rows by JSON.parse, with keys in any order and with any escapes. It defines what a legal row is; the scanner
 * follows it for the lines that it knows.
 *
 * A field that no column is made from must be present; its value does not matter.
 *
 * @param isOlder the lines were extracted by an older model. A field that it did not have is null where its columns may
 *   be, and one that only it had is passed over
 * @param lines which fields the lines have, and what they call the model's: a field that they lack is null where its columns
 *   may be
 */
export function makeRowReader(
  table: Dimension | Fact,
  calendar: Calendar | undefined,
  { isOlder = false, lines }: { isOlder?: boolean; lines?: LineFields } = {},
): RowReader {
  const { fields, key } = table.source;
  const fieldNames = new Set(fields.map(({ name }) => name));
  const nameOf = (field: string): string | undefined =>
    lines === undefined ? field : lines.names.get(field);
  const notNull = table.columns.flatMap(({ from, nullable }) => (nullable ? [] : from.field));
  const lacking = notNull.find((field) => nameOf(field) === undefined);
  const required = lines?.all ?? (isOlder ? notNull : fieldNames);
  const allowed = lines?.all ?? fieldNames;
  const passesOver = isOlder && lines === undefined;
  const unlisted = new Map<string, Set<string>>();
  // Text does not show its type: a timestamp, for example, would land in a varchar in a form that no cast writes.
  const misfit = findMisfit(table);
  const targets = table.columns.flatMap((column): Target[] => {
    const type = fields.find(({ name }) => name === column.from.field)?.type;
    return type === undefined ? [] : [{ column, type, isInCalendar: isInCalendar(column, calendar) }];
  });

  const findFault = (batch: Batch, row: Map<string, unknown>): Omit<Fault, 'key'> | undefined => {
    if (lacking !== undefined) return { column: lacking, reason: 'is missing' };
    for (const name of required) if (!row.has(name)) return { column: name, reason: 'is missing' };
    for (const name of row.keys()) {
      if (!passesOver && !allowed.has(name)) return { column: name, reason: 'is not in the model' };
    }
    if (misfit !== undefined) {
      return { column: misfit.from.field, reason: `is not of a type that ${misfit.name} is made of` };
    }
    for (const [index, buffer] of batch.columns.entries()) {
      const target = targets[index];
      if (target === undefined) continue;
      const { from } = target.column;
      const name = nameOf(from.field);
      const value = name !== undefined && row.has(name) ? row.get(name) : null;
      const reason = storeValue(buffer, batch.rows, value, target);
      if (reason !== undefined) return { column: from.field, reason };
      if (target.column.listed?.has(String(value)) === false && typeof value === 'string') {
        addUnlisted(unlisted, from.lookup ?? '', value);
      }
    }
    return undefined;
  };

  return {
    unlisted,
    read(batch, line) {
      if (!isUtf8(line)) return { column: null, reason: 'the line is not UTF-8', key: null };
      const row = parseJsonLine(Buffer.from(line.buffer, line.byteOffset, line.length).toString());
      if (row === undefined) return { column: null, reason: 'the line is not a JSON object', key: null };
      const fault = findFault(batch, row);
      if (fault !== undefined) return { ...fault, key: readKey(row, key.map(nameOf)) };
      batch.rows++;
      return undefined;
    },
  };
}

function addUnlisted(unlisted: Map<string, Set<string>>, lookup: string, text: string): void {
  const texts = unlisted.get(lookup) ?? new Set();
  unlisted.set(lookup, texts.add(text));
}

const isInCalendar = ({ references }: WarehouseColumn, calendar: Calendar | undefined): boolean =>
  calendar !== undefined && references === calendar.name;

const findMisfit = ({ source, columns }: Dimension | Fact): WarehouseColumn | undefined =>
  columns.find((column) => {
    const field = source.fields.find(({ name }) => name === column.from.field);
    return field === undefined || !isColumnFitting(field.type, column);
  });

function readKey(
  row: ReadonlyMap<string, unknown>,
  names: readonly (string | undefined)[],
): QuarantinedRow['key'] {
  const values = names.map((name) => (name === undefined ? null : toKey(row.get(name))));
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
