import type pg from 'pg';
import { parkedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import { isHistory, versionColumn } from '../../shared/model/history.ts';
import type { Model, WarehouseTable } from '../../shared/model/model.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import { compareRows, makeComparedTable, versionColumns } from './compare-rows.ts';
import { type ColumnType, describeColumns } from './databases/postgres-types.ts';
import type { Evidence } from './evidence.ts';
import { dayValues, selectDays } from './expected/calendar-days.ts';
import type { Expectations } from './expected/expect-files.ts';
import { type ExpectedRows, selectGenerated } from './expected/generated-rows.ts';
import { selectOwn } from './expected/own-query.ts';
import type { HasLate } from './expected/source-rows.ts';
import { type Marks, readMarks } from './marks.ts';
import type { TableReport } from './report.ts';
import { findKeyOrder, type RowsQuery, SortedRows } from './sorted-rows.ts';

/** Both sides, each in its snapshot. */
export interface ComparedSides {
  source: pg.Client;
  warehouse: pg.Client;
  model: Model;
  /** Of the warehouse's tables. */
  schema: string;
  /** Has the censuses; undefined where nothing but the databases is known. */
  processed: Pick<ObjectStore, 'get'> | undefined;
  /** The queries of the user's own. */
  expectations: Expectations;
  evidence: Evidence;
  hasLate: HasLate;
}

/** A table with the columns of its key first, then those that tell versions apart: so its rows begin with them. */
export function keyFirst<Table extends WarehouseTable>(table: Table): Table {
  const first = [...table.key, ...versionColumns(table)];
  const rankOf = ({ name }: { name: string }) => (first.includes(name) ? first.indexOf(name) : first.length);
  return { ...table, columns: table.columns.toSorted((a, b) => rankOf(a) - rankOf(b)) };
}

/**
 * The rows that the warehouse must hold of a table: by the query of the user's own, else by one that follows from the model.
 *
 * @throws {Error} the source lacks a column, or the query fails or does not give the table's columns
 */
export async function selectExpected(
  table: WarehouseTable,
  { source, model, expectations, evidence: { isLate }, hasLate }: ComparedSides,
): Promise<ExpectedRows> {
  const reading = { source, model, isLate, hasLate };
  const own = expectations.get(table.name);
  if (own !== undefined) return selectOwn(own, table, reading);
  if (table.kind === 'calendar') return selectDays(table, reading);
  return selectGenerated(table, reading);
}

/** The types of a table's columns in the warehouse. */
export const describeFound = (warehouse: pg.Client, table: WarehouseTable): Promise<ColumnType[]> =>
  describeColumns(warehouse, selectTable(table, quoteIdentifier(table.name), 'false'));

const selectTable = (
  { columns }: WarehouseTable,
  from: string,
  isPending: string,
  { column, join }: Pick<Marks, 'column' | 'join'> = { column: 'null', join: '' },
): string => {
  const list = columns.map(({ name }, index) => `found.${quoteIdentifier(name)} as c${index}`);
  return `select ${list.join(', ')}, ${isPending} as is_pending, ${column} as mark from ${from} as found ${join}`;
};

export interface TableToCompare {
  expected: ExpectedRows;
  /** The types of the table's columns in the warehouse. */
  foundTypes: readonly ColumnType[];
}

/**
 * Compares the rows of one table, and counts into the report.
 *
 * @param table with the columns of its key first, see keyFirst
 * @throws {Error} a query fails, or the key has other values on one side than on the other
 */
export async function compareTable(
  table: WarehouseTable,
  { source, warehouse, evidence, schema, processed }: ComparedSides,
  { expected: { query, complete }, foundTypes }: TableToCompare,
  report: TableReport,
): Promise<void> {
  const expectedTypes = await describeColumns(source, query);
  const orders = table.key.map((name, index) => {
    const order = findKeyOrder(expectedTypes[index] ?? unknownType, foundTypes[index] ?? unknownType);
    if (order === undefined) throw new Error(`its key ${name} is a number on one side only`);
    return order;
  });
  const common = { orders, versions: versionColumns(table).length };
  const typed = (types: readonly ColumnType[]) => types.slice(0, table.columns.length);
  const expectedQuery: RowsQuery = {
    ...common,
    query,
    types: typed(expectedTypes),
    isUtf8: await isUtf8(source),
    ...(complete && { complete }),
  };
  const marks = await readMarks(
    warehouse,
    table,
    { schema, processed },
    foundTypes.slice(0, table.key.length),
  );
  const foundQuery: RowsQuery = {
    ...common,
    hasMarks: true,
    query: await selectFound(warehouse, table, { hasWaiting: evidence.hasWaiting, marks }),
    types: typed(foundTypes),
    isUtf8: await isUtf8(warehouse),
    ...(table.kind === 'calendar' && { ownTruth: dayValues(table, 'sorted.c0') }),
  };
  const rows = {
    expected: new SortedRows(source, expectedQuery),
    found: new SortedRows(warehouse, foundQuery),
  };
  rows.expected.start();
  rows.found.start();
  try {
    await compareRows(makeComparedTable(table, orders), rows, {
      report,
      isQuarantined: (key, version) => evidence.isQuarantined(table.name, key, version),
      isInCensus: async (key, part) => marks !== undefined && (await marks.isInCensus(key, part)),
    });
  } finally {
    // In a transaction that has failed a cursor is closed already.
    await Promise.allSettled([rows.expected.close(), rows.found.close()]);
  }
}

const unknownType: ColumnType = { oid: 0, modifier: -1 };

async function isUtf8(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ server_encoding: string }>('show server_encoding');
  return rows[0]?.server_encoding === 'UTF8';
}

/** @param hasWaiting rows of a fact that wait for a dimension row are in a table of the pipeline's own */
async function selectFound(
  warehouse: pg.Client,
  table: WarehouseTable,
  { hasWaiting, marks }: { hasWaiting: boolean; marks: Marks | undefined },
): Promise<string> {
  const own = selectTable(table, rowsOf(table), 'false', marks);
  if (table.kind !== 'fact' || !hasWaiting) return own;
  const parked = parkedTable(table.name);
  const { rows: tables } = await warehouse.query<{ isThere: boolean }>(
    'select to_regclass($1) is not null as "isThere"',
    [parked],
  );
  if (tables[0]?.isThere !== true) return own;
  const { rows } = await warehouse.query(`select from ${parked} limit 1`);
  return rows.length > 0 ? `${own} union all ${selectTable(table, parked, 'true')}` : own;
}

/** Of a dimension's versions the latest of each key: the source has no others. */
function rowsOf(table: WarehouseTable): string {
  const name = quoteIdentifier(table.name);
  if (!isHistory(table)) return name;
  const key = table.key.map(quoteIdentifier).join(', ');
  return `(select distinct on (${key}) * from ${name} order by ${key}, ${quoteIdentifier(versionColumn)} desc)`;
}

/** Counts the rows of a table that cannot be compared at all: each of them is missing. */
export async function countUnreadable(
  source: pg.Client,
  { query }: ExpectedRows,
  report: TableReport,
): Promise<void> {
  const { rows } = await source.query<{ count: string }>(`select count(*) from (${query}) as expected`);
  report.expected = Number(rows[0]?.count);
  report.missing = report.expected;
}
