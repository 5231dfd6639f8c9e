import type { RecordBatch } from 'apache-arrow';
import type pg from 'pg';
import { TerminalError } from '../../../shared/errors.ts';
import { parkedTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { WarehouseType } from '../../../shared/model/define.ts';
import { isHistory, validFromColumn, versionColumn } from '../../../shared/model/history.ts';
import type { Fact, Model, WarehouseTable } from '../../../shared/model/model.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { isUniqueViolation } from '../../../shared/postgres/server-error.ts';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import { isNewer, matches } from '../../../shared/warehouse/is-newer.ts';
import { businessKey, deletedByColumn, objectIdColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import { copyCarried } from './carried-columns.ts';
import { areDistinct } from './column-values.ts';
import { encodeCopyRows } from './encode-rows.ts';
import { type CarriedColumn, type ShownRow, showRows } from './uncastable-rows.ts';

/** What a load works on: a connection, in the load's transaction. */
export interface Warehouse {
  client: pg.PoolClient;
  model: Model;
  /** The schema of the star schema's tables. */
  schema: string;
  /** The names of the tables that have the column of deletes. */
  marked: ReadonlySet<string>;
  /** The model's tables that are known to be dropped. */
  absent: ReadonlySet<string>;
}

/** A table that rows are put into. Every name is quoted for SQL. */
export interface LoadTarget {
  table: string;
  /** The columns of an object's rows, in their order, and last the object's id. */
  columns: readonly string[];
  /** The columns that identify a row. */
  key: readonly string[];
  /** Of the columns of an object's rows. */
  types: readonly WarehouseType[];
  /** Those of the columns whose values travel as text. */
  carried: readonly CarriedColumn[];
  shown: ShownRow;
  /** Columns that are null in a row that was replaced: a row of a key is not deleted. */
  cleared?: readonly string[];
}

const deletedBy = quoteIdentifier(deletedByColumn);

/**
 * The warehouse table itself.
 *
 * @param isMarked whether it has the column of deletes
 */
export function warehouseTarget(table: WarehouseTable, schema: string, isMarked = false): LoadTarget {
  return {
    ...(isMarked && { cleared: [deletedBy] }),
    table: quoteQualified(schema, table.name),
    columns: [...table.columns.map(({ name }) => name), objectIdColumn].map(quoteIdentifier),
    key: (isHistory(table) ? table.key : businessKey(table)).map(quoteIdentifier),
    types: table.columns.map(({ type }) => type),
    carried: table.columns.flatMap(({ name, type }) =>
      type.name === 'carried' ? [{ name, column: quoteIdentifier(name), sql: type.sql }] : [],
    ),
    shown: showRows(table),
  };
}

/** The table in which the fact's rows wait for their dimension rows. */
export const parkedTarget = (fact: Fact, schema: string): LoadTarget => ({
  ...warehouseTarget(fact, schema, true),
  table: parkedTable(fact.name),
});

/** The target of a history's rows once their version is known, which their object says and not they. */
export const withVersion = (target: LoadTarget, table: WarehouseTable): LoadTarget => ({
  ...target,
  columns: [...target.columns, ...[versionColumn, validFromColumn].map(quoteIdentifier)],
  key: businessKey(table).map(quoteIdentifier),
});

/** The target of rows that keep their mark: those that leave the table of waiting rows. */
export const withMarks = ({ cleared = [], ...target }: LoadTarget): LoadTarget => ({
  ...target,
  columns: [...target.columns, ...cleared],
});

/** An object's rows, and the id that the ledger has given to it. */
export interface ObjectRows {
  batches: readonly RecordBatch[];
  /** Decimal digits. */
  objectId: string;
}

/**
 * Copies the rows straight into their table, which is the cheapest way. It succeeds if every key is new.
 *
 * @returns the rows that were left out, see `copyCarried`; undefined if a key existed already: nothing has changed then
 */
export async function copyNewRows(
  client: pg.PoolClient,
  target: LoadTarget,
  rows: ObjectRows,
): Promise<QuarantinedRow[] | undefined> {
  await client.query('savepoint straight');
  let uncastable: QuarantinedRow[];
  try {
    uncastable = await copyRows(client, target, target.table, rows);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    await client.query('rollback to savepoint straight');
    return undefined;
  }
  await client.query('release savepoint straight');
  return uncastable;
}

/**
 * Copies the rows straight into a table that has no keys.
 *
 * @returns the rows that were left out, see `copyCarried`; undefined if two of them may share a key: nothing has changed then
 */
export async function copyDistinctRows(
  client: pg.PoolClient,
  target: LoadTarget,
  rows: ObjectRows,
): Promise<QuarantinedRow[] | undefined> {
  const key = target.key.map((column) => target.columns.indexOf(column));
  return areDistinct(rows.batches, key) ? copyRows(client, target, target.table, rows) : undefined;
}

/**
 * Copies the rows into a new temporary table, each key once.
 *
 * @returns the rows that were left out, see `copyCarried`
 * @throws {TerminalError} the object has a key twice with different values
 */
export async function stageRows(
  client: pg.PoolClient,
  target: LoadTarget,
  staging: string,
  rows: ObjectRows,
): Promise<QuarantinedRow[]> {
  await createStaging(client, target, staging);
  const uncastable = await copyRows(client, target, staging, rows);
  const doubled = await removeDoubles(client, target, staging);
  if (doubled !== undefined) throw makeDoubledKeyError(target, doubled);
  return uncastable;
}

/** Makes an empty temporary table with the target's columns. It is dropped at the end of the transaction. */
export async function createStaging(client: pg.ClientBase, target: LoadTarget, name: string): Promise<void> {
  await client.query(`
    create temporary table ${name} on commit drop as
    select ${target.columns.join(', ')} from ${target.table} with no data`);
}

export async function copyRows(
  client: pg.PoolClient,
  target: LoadTarget,
  table: string,
  { batches, objectId }: ObjectRows,
): Promise<QuarantinedRow[]> {
  const copy = async (into: string) => {
    const sql = `copy ${into} (${target.columns.join(', ')}) from stdin (format binary)`;
    await copyIn(client, sql, encodeCopyRows(batches, { types: target.types, objectId }));
  };
  if (target.carried.length > 0) return copyCarried(client, target, table, copy);
  await copy(table);
  return [];
}

/**
 * Removes all but one of the rows that are equal in every value.
 *
 * @returns a key that two rows still share, with different values
 */
async function removeDoubles(
  client: pg.ClientBase,
  target: LoadTarget,
  name: string,
): Promise<KeyValues | undefined> {
  const { key } = target;
  const doubled = `select ${selectKey(key)} from ${name} group by ${key.join(', ')} having count(*) > 1 limit 1`;
  const findDoubled = async () => (await client.query<{ key: KeyValues }>(doubled)).rows[0]?.key;
  if ((await findDoubled()) === undefined) return undefined;
  const list = comparableValues(target).join(', ');
  await client.query(`
    delete from ${name} where ctid in (
      select ctid from (select ctid, row_number() over (partition by ${list}) as nth from ${name}) numbered
      where nth > 1
    )`);
  return findDoubled();
}

/** json, and some of the carried types, have no equality in Postgres: their texts are compared. */
export function comparableValues({ columns, types }: LoadTarget, alias?: string): string[] {
  const of = alias === undefined ? '' : `${alias}.`;
  const isText = (index: number) => ['json', 'carried'].includes(types[index]?.name ?? '');
  return columns.map((column, index) => `${of}${column}${isText(index) ? '::text' : ''}`);
}

/** The values of a key's columns, as Postgres writes them. */
export type KeyValues = string[];

/** What a statement selects to get the KeyValues of its row. The beginning of a long text is enough to find the row. */
export const selectKey = (key: readonly string[], alias?: string): string => {
  const of = alias === undefined ? '' : `${alias}.`;
  return `array[${key.map((column) => `left(${of}${column}::text, 200)`).join(', ')}] as key`;
};

/** Both rows come from one snapshot, so a key that they share with different values is not a key. */
export const makeDoubledKeyError = ({ table, key }: LoadTarget, values: KeyValues): TerminalError =>
  new TerminalError(
    `the object has two rows of one key of ${table} with different values: ` +
      `(${key.join(', ')}) = (${values.join(', ')}). Correct the rows in the source, where the key is to be unique`,
  );

/**
 * Puts rows into their table. A new key is inserted; where the key exists, the row of the newer object stays.
 *
 * Two statements, because the guard needs the ledger entry of a row that another load has just committed, and the
 * statement that waited for that row does not see it. The first inserts or locks in the order of the
 * key, so that no two loads deadlock; the second finds every row that it touches locked and committed.
 *
 * @param from a temporary table with the target's columns, no key in it twice
 */
export async function putRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<PutRows> {
  const { rowCount } = await client.query(insertOrLock(target, from));
  const added = rowCount ?? 0;
  const { rows } = await client.query<{ all: number }>(`select count(*)::int as all from ${from}`);
  if (added === rows[0]?.all) return { added, replaced: 0 };
  const { rowCount: replaced } = await client.query(updateOlder(target, from));
  return { added, replaced: replaced ?? 0 };
}

export interface PutRows {
  /** Keys that are new. */
  added: number;
  /** Rows that took the place of an older version. */
  replaced: number;
}

/**
 * Puts rows into a table that has no keys yet. Duplicates are removed when the keys are built.
 */
export async function appendRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<PutRows> {
  const list = target.columns.join(', ');
  const { rowCount } = await client.query(
    `insert into ${target.table} (${list}) select ${list} from ${from}`,
  );
  return { added: rowCount ?? 0, replaced: 0 };
}

/** Inserts the rows whose key is new; an existing row stays as it is. */
export async function insertNewRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<void> {
  const columns = target.columns.join(', ');
  const key = target.key.join(', ');
  await client.query(`
    insert into ${target.table} (${columns})
    select ${columns} from ${from}
    order by ${key}
    on conflict (${key}) do nothing`);
}

const objectId = quoteIdentifier(objectIdColumn);

/** `on conflict do update` locks the existing row even if its condition is false. */
function insertOrLock({ table, columns, key }: LoadTarget, from: string): string {
  const list = columns.join(', ');
  return `
    insert into ${table} as t (${list})
    select ${list} from ${from}
    order by ${key.join(', ')}
    on conflict (${key.join(', ')}) do update set ${objectId} = t.${objectId} where false`;
}

/** The key as well: the source may have written an equal one anew, as 1.50 for 1.5, 0 for -0 or 30 days for 1 month. */
function updateOlder({ table, columns, key, cleared = [] }: LoadTarget, from: string): string {
  const sets = [
    ...columns.map((column) => `${column} = s.${column}`),
    ...cleared.map((column) => `${column} = null`),
  ];
  return `
    update ${table} t
    set ${sets.join(', ')}
    from ${from} s
    where ${matches(key, 's', 't')}
      and s.${objectId} <> t.${objectId} and ${isNewer('s', 't')}`;
}
