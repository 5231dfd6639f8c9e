import type pg from 'pg';
import { TerminalError } from '../../shared/errors.ts';
import type { Model, WarehouseTable } from '../../shared/model/model.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import { liftTransactionTimeout } from '../../shared/postgres/transaction.ts';
import { parkedTable } from '../../shared/warehouse/ledger-schema.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { compareRows } from './compare-rows.ts';
import { beginEvidence, type Evidence } from './evidence.ts';
import { addExample, isClean, makeTableReport, type TableReport, type VerifyReport } from './report.ts';
import { withSavepoint } from './savepoint.ts';
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
  /** The model whose tables are verified. */
  model: Model;
  /** Knows what is late, waits, or is in quarantine; without it such rows count as missing or different. */
  site?: Site;
  /** Called once with about how many rows each table has to compare; those of the calendar are not known. */
  onSizes?: (sizes: ReadonlyMap<string, number>) => void;
  /** Called for every table when it begins, with its report, which grows from there on. */
  onStart?: (report: TableReport) => void;
  /** Called for every table when it is done. */
  onTable?: (report: TableReport) => void;
  /** Called for every row whose key the source does not have. */
  onExtra?: (table: string, key: string, version: string) => void;
}

/**
 * Compares every warehouse table of the model with the source, by handwritten SQL; a table or a column without such
 * SQL is a difference. A table that cannot be compared is named, and the others go on.
 *
 * Each side is read in one snapshot, the source's second: it then has the latest state of all that the warehouse can
 * have, and what the warehouse lacks is late where the source wrote it after the last plan.
 *
 * @throws {UsageError} the source has none of the tables
 * @throws {TerminalError} a connection was lost; names the table
 */
export async function verifyWarehouse(options: VerifyOptions): Promise<VerifyReport> {
  const { source, warehouse, warehouseSchema, model } = options;
  const evidence = await beginEvidence(options.site, model, new Date());
  try {
    await beginReading(warehouse, warehouseSchema);
    await evidence.readLoaded(warehouse);
    await beginReading(source, 'public');
    return await verifyTables(options, model, await evidence.readSource(source));
  } finally {
    // A connection that is lost has no transaction any more, and the first error says more.
    await Promise.allSettled([source.query('rollback'), warehouse.query('rollback')]);
  }
}

/**
 * Values must be rendered alike by both servers, regardless of their settings; a policy that hides rows is an error
 * and not a difference. The rest is for speed: all rows are read, and most are sorted. The last statement takes the
 * snapshot.
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

async function verifyTables(options: VerifyOptions, model: Model, evidence: Evidence): Promise<VerifyReport> {
  const { source, warehouse, onSizes, onStart, onTable } = options;
  const names = model.tables.map(({ name }) => name);
  const checks = listChecks(names);
  const missing = await readMissingSourceTables(source, checks);
  const columns = await readWarehouseColumns(warehouse, checks);
  if (onSizes !== undefined) onSizes(await estimateSizes(source, checks));
  const tables: TableReport[] = [];
  for (const check of checks) {
    const report = makeTableReport(check.table);
    report.asOf = evidence.asOf(check.sourceTables);
    onStart?.(report);
    const lacking = check.sourceTables.filter((table) => missing.has(table));
    if (lacking.length > 0) {
      report.problem = `${check.table} was not compared: the source has no table ${lacking.join(', ')}`;
    } else await verifyTable(options, { check, model, columns, evidence }, report);
    tables.push(report);
    onTable?.(report);
  }
  for (const name of names.filter((each) => !checks.some(({ table }) => table === each))) {
    const report = reportUnchecked(name);
    tables.push(report);
    onTable?.(report);
  }
  const report: VerifyReport = { ok: tables.every(isClean), tables };
  if (!report.ok && evidence.note !== undefined) report.note = evidence.note;
  return report;
}

/** A table that the server has no statistics of is not counted: that could take as long as a comparison. */
async function estimateSizes(
  source: pg.Client,
  checks: readonly TableCheck[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await source.query<{ name: string; size: number }>(
    `select name, greatest(c.reltuples, coalesce(s.n_live_tup, 0))::float8 as size
       from unnest($1::text[]) as wanted (name)
       join pg_class c on c.oid = to_regclass(quote_ident(name))
       left join pg_stat_all_tables s on s.relid = c.oid`,
    [checks.map(({ sourceTables }) => sourceTables[0])],
  );
  const sizes = new Map(rows.map(({ name, size }) => [name, size]));
  return new Map(
    checks.flatMap(({ table, sourceTables, ownTruth }): [string, number][] => {
      const size = sizes.get(sourceTables[0]) ?? 0;
      return ownTruth === undefined && size > 0 ? [[table, Math.round(size)]] : [];
    }),
  );
}

interface TableToVerify {
  check: TableCheck;
  model: Model;
  /** Of the warehouse, by table. */
  columns: ReadonlyMap<string, ReadonlySet<string>>;
  evidence: Evidence;
}

/** Counts into the report. What fails is a problem of this table, unless a connection was lost. */
async function verifyTable(
  options: VerifyOptions,
  { check, model, columns, evidence }: TableToVerify,
  report: TableReport,
): Promise<void> {
  const { source, warehouse } = options;
  try {
    await withSavepoint([source, warehouse], async () => {
      const problem = findProblem(check, columns.get(check.table));
      if (problem !== undefined) return reportUnreadable(source, check, report, problem);
      await compareTable(options, { check, evidence }, report);
      const hasKey = ({ dimension, key }: Reference) => columns.get(dimension)?.has(key) === true;
      await countDanglingReferences(warehouse, check, hasKey, report);
      const uncompared = describeUncompared(check, model.table(check.table));
      if (uncompared !== undefined) report.problem = uncompared;
    });
  } catch (error) {
    report.problem = `${check.table} cannot be compared: ${(error as Error).message}`;
    if (!(await isAnswering(source)) || !(await isAnswering(warehouse))) {
      throw new TerminalError(report.problem, { table: check.table, cause: error });
    }
  }
  const failing = evidence.describeFailing(check.sourceTables);
  if (failing !== undefined) report.problem ??= failing;
}

const isAnswering = (client: pg.Client): Promise<boolean> =>
  client.query('select').then(
    () => true,
    () => false,
  );

/** The checks of those warehouse tables that have one, in the order in which they are reported. */
function listChecks(tables: readonly string[]): TableCheck[] {
  const all = [...dimensionChecks, dimCurrency, makeDimDate(tables), ...factChecks];
  return all
    .filter(({ table }) => tables.includes(table))
    .sort((one, other) => (one.table < other.table ? -1 : 1));
}

/** @throws {UsageError} none of the tables that the checks read is in the source */
async function readMissingSourceTables(
  source: pg.Client,
  checks: readonly TableCheck[],
): Promise<ReadonlySet<string>> {
  const wanted = [...new Set(checks.flatMap(({ sourceTables }) => sourceTables))];
  const { rows } = await source.query<{ name: string }>(
    'select name from unnest($1::text[]) as wanted (name) where to_regclass(quote_ident(name)) is null',
    [wanted],
  );
  const missing = rows.map(({ name }) => name);
  if (missing.length === wanted.length && wanted.length > 0) {
    throw new UsageError(`the source has none of the tables ${missing.join(', ')}`);
  }
  return new Set(missing);
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
    `select count(*) from (${check.expected(() => 'false')}) as expected`,
  );
  report.problem = problem;
  report.expected = Number(rows[0]?.count);
  report.missing = report.expected;
}

async function compareTable(
  { source, warehouse, onExtra }: VerifyOptions,
  { check, evidence }: Pick<TableToVerify, 'check' | 'evidence'>,
  report: TableReport,
): Promise<void> {
  const { isLate, isQuarantined } = evidence;
  const padded = await readPaddedColumns(source, check);
  const parked = evidence.hasWaiting ? await findParked(warehouse, check) : undefined;
  const expected = readExpectedRows(source, check, { isLate, padded });
  const found = readFoundRows(warehouse, check, parked);
  expected.start();
  found.start();
  try {
    await compareRows(
      check,
      { expected, found },
      {
        report,
        isQuarantined: (key, version) => isQuarantined(check.table, key, version),
        onExtra: (key, version) => onExtra?.(check.table, key, version),
      },
    );
  } finally {
    // In a transaction that has failed a cursor is closed already.
    await Promise.allSettled([expected.close(), found.close()]);
  }
}

/** @returns the table of a fact's rows that wait; undefined where none does */
async function findParked(
  warehouse: pg.Client,
  { table, isVersioned }: TableCheck,
): Promise<string | undefined> {
  if (isVersioned !== true) return undefined;
  const parked = parkedTable(table);
  const { rows: tables } = await warehouse.query<{ isThere: boolean }>(
    'select to_regclass($1) is not null as "isThere"',
    [parked],
  );
  if (tables[0]?.isThere !== true) return undefined;
  const { rows } = await warehouse.query(`select from ${parked} limit 1`);
  return rows.length > 0 ? parked : undefined;
}

const charOid = 1042;

/**
 * The columns of what a check expects that are a char(n) in the source: padding is not part of the value. Within the
 * transaction of the check.
 */
async function readPaddedColumns(source: pg.Client, { expected }: TableCheck): Promise<ReadonlySet<string>> {
  const { fields } = await source.query(`select * from (${expected(() => 'false')}) as expected limit 0`);
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
