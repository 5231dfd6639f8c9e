import type pg from 'pg';
import { TerminalError } from '../../shared/errors.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import { liftTransactionTimeout } from '../../shared/postgres/transaction.ts';
import type { StarSchema, WarehouseTable } from '../../shared/star-schema/assemble.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { compareRows } from './compare-rows.ts';
import { addExample, isClean, makeTableReport, type TableReport, type VerifyReport } from './report.ts';
import { readExpectedRows, readFoundRows } from './sorted-rows.ts';
import { dimCurrency } from './tables/dim-currency.ts';
import { makeDimDate } from './tables/dim-date.ts';
import { dimensionChecks } from './tables/dimensions.ts';
import { factChecks } from './tables/facts.ts';
import type { Reference, TableCheck } from './tables/table-check.ts';

export interface VerifyOptions {
  /** Connected, outside a transaction, with nothing else running on it; the same for the warehouse. */
  source: pg.Client;
  warehouse: pg.Client;
  warehouseSchema: string;
  /** The model whose tables are verified; the project's by default. */
  model?: StarSchema;
  /** Called for every table when it is done. */
  onTable?: (report: TableReport) => void;
  /** Called for every row whose key the source does not have. */
  onExtra?: (table: string, key: string, version: string) => void;
}

/**
 * Compares every warehouse table of the model with the source, by handwritten SQL; a table or a column without such
 * SQL is a difference. Each side is read in one snapshot; a source that is written to meanwhile shows what has not
 * arrived yet as missing.
 *
 * @throws {UsageError} the source lacks a table
 * @throws {TerminalError} a table cannot be read; names it
 */
export async function verifyWarehouse(options: VerifyOptions): Promise<VerifyReport> {
  const { source, warehouse, warehouseSchema } = options;
  await beginReading(source, 'public');
  try {
    await beginReading(warehouse, warehouseSchema);
    return await verifyTables(options);
  } finally {
    // A connection that is lost has no transaction any more, and the first error says more.
    await Promise.allSettled([source.query('rollback'), warehouse.query('rollback')]);
  }
}

/**
 * Values must be rendered alike by both servers, regardless of their settings; a policy that hides rows is an error
 * and not a difference. The rest is for speed: all rows are read, and most are sorted.
 */
async function beginReading(client: pg.Client, schema: string): Promise<void> {
  await client.query(`
    begin transaction isolation level repeatable read, read only;
    set local search_path = ${quoteIdentifier(schema)};
    set local datestyle = 'ISO, YMD';
    set local row_security = off;
    set local cursor_tuple_fraction = 1;
    set local work_mem = '64MB';
    set local jit = off;
    ${liftTransactionTimeout}`);
}

async function verifyTables({
  source,
  warehouse,
  model = starSchema,
  onTable,
  onExtra,
}: VerifyOptions): Promise<VerifyReport> {
  const names = model.tables.map(({ name }) => name);
  const checks = listChecks(names);
  await assertSourceTables(source, checks);
  const columns = await readWarehouseColumns(warehouse, checks);
  const tables: TableReport[] = [];
  for (const check of checks) {
    const report = makeTableReport(check.table);
    const problem = findProblem(check, columns.get(check.table));
    try {
      if (problem !== undefined) await reportUnreadable(source, check, report, problem);
      else {
        await compareTable({ source, warehouse, onExtra }, check, report);
        const hasKey = ({ dimension, key }: Reference) => columns.get(dimension)?.has(key) === true;
        await countDanglingReferences(warehouse, check, hasKey, report);
        const uncompared = describeUncompared(check, model.table(check.table));
        if (uncompared !== undefined) report.problem = uncompared;
      }
    } catch (error) {
      throw new TerminalError(`${check.table} cannot be compared: ${(error as Error).message}`, {
        table: check.table,
        cause: error,
      });
    }
    tables.push(report);
    onTable?.(report);
  }
  for (const name of names.filter((each) => !checks.some(({ table }) => table === each))) {
    const report = reportUnchecked(name);
    tables.push(report);
    onTable?.(report);
  }
  return { ok: tables.every(isClean), tables };
}

/** The checks of those warehouse tables that have one, in the order in which they are reported. */
function listChecks(tables: readonly string[]): TableCheck[] {
  const all = [...dimensionChecks, dimCurrency, makeDimDate(tables), ...factChecks];
  return all
    .filter(({ table }) => tables.includes(table))
    .sort((one, other) => (one.table < other.table ? -1 : 1));
}

/** @throws {UsageError} tables that the checks read are not in the source; names them all */
async function assertSourceTables(source: pg.Client, checks: readonly TableCheck[]): Promise<void> {
  const wanted = [...new Set(checks.flatMap(({ sourceTables }) => sourceTables))];
  const { rows } = await source.query<{ name: string }>(
    'select name from unnest($1::text[]) as wanted (name) where to_regclass(quote_ident(name)) is null',
    [wanted],
  );
  if (rows.length > 0) {
    throw new UsageError(`the source has no table ${rows.map(({ name }) => name).join(', ')}`);
  }
}

/** @returns the columns of each checked table that the warehouse has */
async function readWarehouseColumns(
  warehouse: pg.Client,
  checks: readonly TableCheck[],
): Promise<Map<string, ReadonlySet<string>>> {
  const { rows } = await warehouse.query<{ name: string; columns: string[] }>(
    `select name, array(select attname::text from pg_attribute
                         where attrelid = to_regclass(quote_ident(name)) and attnum > 0 and not attisdropped) as columns
       from unnest($1::text[]) as wanted (name)
      where to_regclass(quote_ident(name)) is not null`,
    [checks.map(({ table }) => table)],
  );
  return new Map(rows.map(({ name, columns }) => [name, new Set(columns)]));
}

function findProblem(check: TableCheck, columns: ReadonlySet<string> | undefined): string | undefined {
  if (columns === undefined) return `the warehouse has no table ${check.table}`;
  const lacking = check.columns.filter((column) => !columns.has(column));
  if (lacking.length === 0) return undefined;
  return `the warehouse table ${check.table} has no column ${lacking.join(', ')}`;
}

async function reportUnreadable(source: pg.Client, check: TableCheck, report: TableReport, problem: string) {
  const { rows } = await source.query<{ count: string }>(
    `select count(*) from (${check.expected}) as expected`,
  );
  report.problem = problem;
  report.expected = Number(rows[0]?.count);
  report.missing = report.expected;
}

async function compareTable(
  {
    source,
    warehouse,
    onExtra = () => {},
  }: Pick<VerifyOptions, 'source' | 'warehouse'> & {
    onExtra?: VerifyOptions['onExtra'] | undefined;
  },
  check: TableCheck,
  report: TableReport,
): Promise<void> {
  const expected = readExpectedRows(source, check, await readPaddedColumns(source, check));
  const found = readFoundRows(warehouse, check);
  expected.start();
  found.start();
  try {
    const reportExtra = (key: string, version: string) => onExtra(check.table, key, version);
    await compareRows(check, { expected, found }, { report, onExtra: reportExtra });
  } finally {
    // In a transaction that has failed a cursor is closed already.
    await Promise.allSettled([expected.close(), found.close()]);
  }
}

const charOid = 1042;

/**
 * The columns of what a check expects that are a char(n) in the source: padding is not part of the value. Within the
 * transaction of the check.
 */
async function readPaddedColumns(source: pg.Client, { expected }: TableCheck): Promise<ReadonlySet<string>> {
  const { fields } = await source.query(`select * from (${expected}) as expected limit 0`);
  return new Set(fields.filter(({ dataTypeID }) => dataTypeID === charOid).map(({ name }) => name));
}

/**
 * Counts into the report every reference of the fact whose dimension row is not there.
 *
 * @param hasKey whether the warehouse has the dimension: one that is missing has no row at all
 */
async function countDanglingReferences(
  warehouse: pg.Client,
  check: TableCheck,
  hasKey: (reference: Reference) => boolean,
  report: TableReport,
): Promise<void> {
  for (const reference of check.references ?? []) {
    const query = danglingQuery(check, reference, hasKey(reference));
    const { rows } = await warehouse.query<{ key: string; value: string; total: string }>(query);
    report.dangling += Number(rows[0]?.total ?? 0);
    for (const { key, value } of rows) {
      addExample(report, 'dangling', () => ({ key, column: reference.column, found: value }));
    }
  }
}

function danglingQuery(check: TableCheck, { column, dimension, key }: Reference, hasDimension: boolean) {
  const held = hasDimension ? `and not exists (select from ${dimension} d where d.${key} = f.${column})` : '';
  return `
    select ${check.sortKey}::text as key, ${column}::text as value, count(*) over ()::text as total
      from ${check.table} f
     where ${column} is not null ${held}
     order by ${check.sortKey}
     limit 5`;
}

function describeUncompared({ table, columns }: TableCheck, wanted: WarehouseTable): string | undefined {
  const lacking = wanted.columns.map(({ name }) => name).filter((name) => !columns.includes(name));
  if (lacking.length === 0) return undefined;
  return `${table}.${lacking.join(`, ${table}.`)} was not compared: its check in ${checksFolder} does not name it`;
}

function reportUnchecked(table: string): TableReport {
  const problem = `${table} was not compared: it has no check. Add one in ${checksFolder}`;
  return { ...makeTableReport(table), problem };
}

const checksFolder = 'cli/verify/tables';
