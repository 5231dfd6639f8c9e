import { formatType } from '../../shared/model/define.ts';
import type { Dimension, Fact, Model, WarehouseColumn, WarehouseTable } from '../../shared/model/model.ts';
import type { QuarantineFile } from '../../shared/quarantine/quarantine-file.ts';
import type { QuarantinedRow } from '../../shared/records/quarantine-file.ts';
import { listQuarantine } from '../quarantine/list-quarantine.ts';
import type { Site } from '../site/site.ts';
import type { Key } from './report.ts';

/** The rows that broke the contract, those that an operator has dropped among them. */
export interface QuarantinedKeys {
  /** @param version a fact's, as Postgres writes it; empty for other tables */
  has(table: string, key: Key, version: string): boolean;
}

/**
 * To be called after the snapshot of the warehouse: a row that it lacks for this reason is in quarantine by then. Rows for
 * which a file had no room cannot be told from lost ones.
 */
export async function readQuarantinedKeys(site: Site, model: Model): Promise<QuarantinedKeys> {
  const names = model.tables.map(({ name }) => name);
  return makeQuarantinedKeys(await listQuarantine(site, model, names), model);
}

export function makeQuarantinedKeys(
  files: readonly Pick<QuarantineFile, 'table' | 'rows' | 'dropped'>[],
  model: Model,
): QuarantinedKeys {
  const known = new Set<string>();
  const { calendar } = model;
  for (const { table: name, rows, dropped } of files) {
    const table = model.table(name);
    if (table.kind === 'calendar') continue;
    for (const row of [...rows, ...dropped]) {
      const fields = parseRow(row);
      const key = keyOf(table, row, fields);
      if (key !== undefined) known.add(formatId(table, key, versionOf(table, fields)));
      // The calendar has no day that only such a row names.
      if (calendar === undefined) continue;
      for (const day of daysOf(table, calendar.name, fields)) known.add(formatId(calendar, [day], ''));
    }
  }
  return {
    has: (name, key, version) => {
      const table = model.table(name);
      const parts = typeof key === 'string' ? [key] : key;
      return known.has(formatId(table, parts, version)) || known.has(formatId(table, parts, anyVersion));
    },
  };
}

/** Of a row whose text the file had no room for. */
const anyVersion = null;

function formatId(table: WarehouseTable, key: readonly string[], version: string | null): string {
  const parts = key.map((part, index) => {
    const column = table.columns.find(({ name }) => name === table.key[index]);
    return column !== undefined && formatType(column.type).startsWith('numeric') ? trimZeros(part) : part;
  });
  return JSON.stringify([table.name, parts, version]);
}

/** The warehouse's column may have another scale than the source's. */
const trimZeros = (number: string): string => (number.includes('.') ? number.replace(/\.?0+$/, '') : number);

/** The warehouse's key, of the row where the file has it, else of the source's key: that may be another one. */
function keyOf(table: Dimension | Fact, row: QuarantinedRow, fields: RowFields): string[] | undefined {
  const { source } = table;
  const shown = row.key === null ? [] : [row.key].flat().map(String);
  const parts = table.key.flatMap((name) => {
    const column = table.columns.find((each) => each.name === name);
    const inRow = column && textOf(column, table, fields);
    return inRow ?? shown[source.key.indexOf(column?.from.field ?? '')] ?? [];
  });
  return parts.length === table.key.length ? parts : undefined;
}

/** The parts that a row does not show are left out, as the time of day of an infinite timestamp is. */
function versionOf(table: Dimension | Fact, fields: RowFields): string | null {
  if (table.kind !== 'fact' || table.versions.length === 0) return '';
  if (fields === undefined) return anyVersion;
  const parts = table.versions.flatMap((name) => {
    const column = table.columns.find((each) => each.name === name);
    return (column && textOf(column, table, fields)) ?? [];
  });
  return parts.length === 0 ? anyVersion : parts.join(' ');
}

type RowFields = Readonly<Record<string, unknown>> | undefined;

/** A value of an ingested row as Postgres writes it in the warehouse's column; undefined where the row has none. */
function textOf(
  { from }: WarehouseColumn,
  { source }: Dimension | Fact,
  fields: RowFields,
): string | undefined {
  const value = fields?.[from.field];
  if (value === undefined || value === null) return undefined;
  const type = source.fields.find(({ name }) => name === from.field)?.type;
  const text = type === 'timestamp' || type === 'timestamptz' ? parseMoment(String(value)) : String(value);
  // An infinite one has no time of day.
  if (typeof text === 'string') return from.kind === 'time of' ? undefined : text;
  const { date, time, zone, era } = text;
  if (from.kind === 'date of') return date + era;
  return from.kind === 'time of' ? time : `${date} ${time}${zone}${era}`;
}

interface Moment {
  date: string;
  time: string;
  /** '+00' of one with a time zone: all are in UTC. */
  zone: string;
  /** ' BC' before the year 1. */
  era: string;
}

/**
 * The ingested zone has a T between date and time.
 *
 * @returns the text itself where it is infinite, or no timestamp
 */
function parseMoment(text: string): Moment | string {
  const found = /^(\d+-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(\+00)?(?::00)?( BC)?$/.exec(text);
  if (found === null) return text;
  const [, date = '', time = '', zone = '', era = ''] = found;
  return { date, time, zone, era };
}

/** Numbers keep their digits: one in JavaScript would lose some. */
function parseRow({ row }: QuarantinedRow): RowFields {
  try {
    return Object(JSON.parse(row ?? 'null', keepDigits)) as Record<string, unknown>;
  } catch {
    // It may be in quarantine because it is not JSON.
    return undefined;
  }
}

/** JSON.parse hands its reviver the text of a primitive value; TypeScript's library does not know yet. */
const keepDigits = ((_key: string, value: unknown, context?: { source?: string }) =>
  typeof value === 'number' ? (context?.source ?? String(value)) : value) as (
  key: string,
  value: unknown,
) => unknown;

function daysOf(table: Dimension | Fact, calendar: string, fields: RowFields): string[] {
  const named = table.columns.filter(({ references }) => references === calendar);
  return named.flatMap((column) => textOf(column, table, fields) ?? []);
}
