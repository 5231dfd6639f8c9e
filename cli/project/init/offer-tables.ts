import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { type CatalogueTable, lockTable } from '../catalogue/read-catalogue.ts';
import { tableNameOf } from '../compile/source-tables.ts';
import { isReservedName, type LockedTable } from '../files/lock-file.ts';
import { isMigrationTable, looksSecret, singularForms, wordsOf } from './column-names.ts';

/** A table that a warehouse table can be made from as it is. */
export interface OfferedTable {
  /** As the project names it. */
  name: string;
  schema: string;
  table: string;
  key: readonly string[];
  hasPrimaryKey: boolean;
  locked: LockedTable;
  /** Columns to leave in the source, and why. */
  excluded: ReadonlyMap<string, string>;
}

/** A table that is not offered, and why. */
export interface LeftOut {
  name: string;
  reason: string;
  /** The statement after which it could be. */
  remedy?: string;
  /** It is no table, and nobody expects it to be captured. */
  isView?: true;
}

/** Sorts the catalogue's tables into those that can be captured and those that cannot. */
export function offerTables(
  catalogue: readonly CatalogueTable[],
  schemas: readonly string[],
): { offered: OfferedTable[]; leftOut: LeftOut[] } {
  const offered: OfferedTable[] = [];
  const leftOut: LeftOut[] = [];
  for (const table of catalogue) {
    // What a partition holds is read with the table that it is a part of.
    if (table.isPartition) continue;
    const name = tableNameOf(table.schema, table.table, schemas[0] ?? 'public');
    const judged = judge(name, table, schemas);
    if ('reason' in judged) leftOut.push(judged);
    else offered.push(judged);
  }
  return { offered, leftOut };
}

const reservedName = 'has the one name that no file of a project can have as a key';

const notTables = { v: 'a view', m: 'a materialized view', f: 'a foreign table' } as const;

function judge(name: string, table: CatalogueTable, schemas: readonly string[]): OfferedTable | LeftOut {
  const { kind } = table;
  if (kind === 'v' || kind === 'm' || kind === 'f') {
    return { name, reason: `${notTables[kind]}: only a table knows which of its rows are new`, isView: true };
  }
  if (table.isOfExtension) return { name, reason: 'it belongs to an extension' };
  if (isMigrationTable(table.table)) return { name, reason: 'it belongs to a tool that migrates schemas' };
  if (table.table.includes('.')) return { name, reason: 'a dot in a name would be read as a path' };
  if (isReservedName(name)) return { name, reason: `it ${reservedName}` };
  if (table.hasHeirs) {
    return { name, reason: 'other tables inherit from it, and no index is unique over the rows of all' };
  }
  if (table.hasForeignPart) {
    return { name, reason: 'a foreign table is a part of it: only a table knows which of its rows are new' };
  }
  if (table.hidesRows) return { name, reason: 'row-level security hides rows from this user' };
  if (table.columns.length === 0) return { name, reason: 'it has no columns' };
  if (!table.mayUseSchema) {
    const remedy = `grant usage on schema ${quoteIdentifier(table.schema)} to ${table.reader}`;
    return { name, reason: 'this user may not use its schema', remedy };
  }
  if (!table.mayBeRead) {
    const remedy = `grant select on ${quoteQualified(table.schema, table.table)} to ${table.reader}`;
    return { name, reason: 'this user may not read it', remedy };
  }
  const locked = lockTable(table, schemas);
  const excluded = excludedColumns(table, locked);
  const key = findKey(table, locked, excluded);
  if ('reason' in key) return { name, ...key };
  const { schema, table: bare } = table;
  return { name, schema, table: bare, locked, excluded, ...key };
}

function excludedColumns({ columns }: CatalogueTable, locked: LockedTable): Map<string, string> {
  const excluded = new Map<string, string>();
  for (const { name } of columns) {
    const column = locked.columns[name];
    if (isReservedName(name)) excluded.set(name, reservedName);
    else if (name.includes('.')) excluded.set(name, 'has a dot in its name, which would be read as a path');
    else if (column !== undefined && looksSecret(name, column)) excluded.set(name, 'looks like a secret');
  }
  return excluded;
}

type Key = Pick<OfferedTable, 'key' | 'hasPrimaryKey'>;

/** The primary key, else the shortest unique index whose columns are never null. */
function findKey(
  table: CatalogueTable,
  { columns, primaryKey, uniqueKeys }: LockedTable,
  excluded: ReadonlyMap<string, string>,
): Key | Omit<LeftOut, 'name'> {
  const isWhole = (key: readonly string[]) => key.every((column) => columns[column]?.nullable === false);
  const keys = [...(primaryKey === undefined ? [] : [primaryKey]), ...uniqueKeys.filter(isWhole)];
  const usable = keys.filter((key) => !key.some((column) => excluded.has(column)));
  const [primary] = usable;
  if (primary !== undefined && primary === primaryKey) return { key: primary, hasPrimaryKey: true };
  const [shortest] = usable.toSorted((a, b) => a.length - b.length);
  if (shortest !== undefined) return { key: shortest, hasPrimaryKey: primaryKey !== undefined };
  const [first] = keys;
  const hidden = first?.find((column) => excluded.has(column));
  if (hidden !== undefined) return { reason: `its key has ${hidden}, which ${excluded.get(hidden)}` };
  return { reason: 'no unique index makes a key of columns that are never null', remedy: suggestKey(table) };
}

/**
 * The statement that would give the table a key: over columns that are unique already and may only be null, over one that
 * is named like a key, or over all that name other tables.
 */
function suggestKey({ schema, table, columns, uniqueKeys }: CatalogueTable): string {
  const target = quoteQualified(schema, table);
  const isNullable = (name: string) => columns.some((column) => column.name === name && column.nullable);
  const [unique] = uniqueKeys.toSorted((a, b) => a.length - b.length);
  if (unique !== undefined) {
    const changes = unique.filter(isNullable).map((name) => `alter ${quoteIdentifier(name)} set not null`);
    return `alter table ${target} ${changes.join(', ')}`;
  }
  const whole = columns.filter(({ nullable }) => !nullable).map(({ name }) => name);
  const own = wordsOf(table).join('_');
  const names = ['id', ...singularForms(own).map((form) => `${form}_id`)];
  const likely = whole.find((name) => names.includes(wordsOf(name).join('_')));
  const others = whole.filter((name) => wordsOf(name).at(-1) === 'id');
  const key = likely === undefined ? others : [likely];
  // One reference alone is hardly ever unique.
  if (likely === undefined && key.length < 2) return `alter table ${target} add primary key (…)`;
  return `create unique index on ${target} (${key.map(quoteIdentifier).join(', ')})`;
}
