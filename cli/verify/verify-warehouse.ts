import type pg from 'pg';
import { TerminalError } from '../../shared/errors.ts';
import type { Model, WarehouseTable } from '../../shared/model/model.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/postgres/identifier.ts';
import { liftTransactionTimeout } from '../../shared/postgres/transaction.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import {
  type ComparedSides,
  compareTable,
  countUnreadable,
  describeFound,
  keyFirst,
  selectExpected,
} from './compare-table.ts';
import { countDangling } from './dangling.ts';
import { renderSettings } from './databases/postgres-types.ts';
import { withSavepoint } from './databases/savepoint.ts';
import {
  describeOtherTypes,
  type FoundColumns,
  findMissing,
  readWarehouseColumns,
} from './databases/warehouse-columns.ts';
import { beginEvidence, type Evidence } from './evidence.ts';
import type { Expectations } from './expected/expect-files.ts';
import { useMaskKey } from './expected/masked-value.ts';
import { defaultSchema, makeHasLate, type SourceRelation, sourceTablesOf } from './expected/source-rows.ts';
import { isClean, makeTableReport, type TableReport, type VerifyReport } from './report.ts';

export interface VerifyOptions {
  /** Connected, outside a transaction, with nothing else running on it; the same for the warehouse. */
  source: pg.Client;
  warehouse: pg.Client;
  warehouseSchema: string;
  /** The model whose tables are verified. */
  model: Model;
  /** The user's own queries for what a table must hold; without one it follows from the model. */
  expectations?: Expectations;
  /** Knows what is late, waits, or is in quarantine; without it such rows count as missing or different. */
  site?: Site;
  /** Called once with about how many rows each table has to compare; those of the calendar are not known. */
  onSizes?: (sizes: ReadonlyMap<string, number>) => void;
  /** Called for every table when it begins, with its report, which grows from there on. */
  onStart?: (report: TableReport) => void;
  /** Called for every table when it is done. */
  onTable?: (report: TableReport) => void;
  /** For columns that the model masks. */
  maskKey?: string | undefined;
}

/**
 * Compares every warehouse table of the model with the source, by SQL that follows from the model or is the user's own.
 * A table that cannot be compared is named, and the others go on.
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
    await beginReading(warehouse, quoteLiteral(quoteIdentifier(warehouseSchema)));
    await evidence.readLoaded(warehouse);
    // Operators of an extension may be in any schema of the role's own path.
    await beginReading(source, `'${defaultSchema}, ' || current_setting('search_path')`);
    await useMaskKey(source, model, options.maskKey);
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
 *
 * @param searchPath as SQL
 */
export async function beginReading(client: pg.Client, searchPath: string): Promise<void> {
  await client.query(`
    begin transaction isolation level repeatable read, read only;
    select set_config('search_path', ${searchPath}, true);
    ${renderSettings}
    set local row_security = off;
    set local cursor_tuple_fraction = 1;
    set local work_mem = '64MB';
    set local jit = off;
    ${liftTransactionTimeout}`);
}

async function verifyTables(options: VerifyOptions, model: Model, evidence: Evidence): Promise<VerifyReport> {
  const { source, warehouse, expectations = new Map(), onSizes, onStart, onTable } = options;
  const { warehouseSchema: schema, site } = options;
  const hasLate = makeHasLate(source, evidence.isLate);
  const sides: ComparedSides = {
    source,
    warehouse,
    model,
    schema,
    processed: site?.processed,
    expectations,
    evidence,
    hasLate,
  };
  // A table that is still filled lacks rows by nature.
  const filled = model.migration?.tables.map(({ next }) => next) ?? [];
  const checked = model.tables
    .filter(({ name }) => !filled.includes(name))
    .map((table) => ({ table: keyFirst(table), sources: sourceTablesOf(table, model) }))
    .toSorted((a, b) => (a.table.name < b.table.name ? -1 : 1));
  const missing = await readMissingSourceTables(source, checked);
  const columns = await readWarehouseColumns(warehouse, model);
  if (onSizes !== undefined) onSizes(await estimateSizes(source, checked));
  const tables: TableReport[] = [];
  for (const { table, sources } of checked) {
    const report = makeTableReport(table.name);
    const names = sources.map(({ name }) => name);
    report.asOf = evidence.asOf(names);
    onStart?.(report);
    const lacking = names.filter((name) => missing.has(name));
    if (lacking.length > 0) {
      report.problem = `${table.name} was not compared: the source has no table ${lacking.join(', ')}`;
    } else await verifyTable(table, sides, columns, report);
    const failing = evidence.describeFailing(names);
    if (lacking.length === 0 && failing !== undefined) report.problem ??= failing;
    tables.push(report);
    onTable?.(report);
  }
  const report: VerifyReport = { ok: tables.every(isClean), tables };
  if (!report.ok && evidence.note !== undefined) report.note = evidence.note;
  return report;
}

/** A warehouse table with the source tables that its rows are made of, the one that is extracted for it first. */
interface CheckedTable {
  table: WarehouseTable;
  sources: readonly SourceRelation[];
}

/** @throws {UsageError} none of the tables is in the source */
async function readMissingSourceTables(
  source: pg.Client,
  checked: readonly CheckedTable[],
): Promise<ReadonlySet<string>> {
  const wanted = new Map(checked.flatMap(({ sources }) => sources.map(({ name, sql }) => [name, sql])));
  const { rows } = await source.query<{ name: string }>(
    'select name from unnest($1::text[], $2::text[]) as wanted (name, sql) where to_regclass(sql) is null',
    [[...wanted.keys()], [...wanted.values()]],
  );
  const missing = rows.map(({ name }) => name);
  if (missing.length === wanted.size && wanted.size > 0) {
    throw new UsageError(`the source has none of the tables ${missing.join(', ')}`);
  }
  return new Set(missing);
}

/** A table that the server has no statistics of is not counted: that could take as long as a comparison. */
async function estimateSizes(
  source: pg.Client,
  checked: readonly CheckedTable[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await source.query<{ sql: string; size: number }>(
    `select sql, greatest(c.reltuples, coalesce(s.n_live_tup, 0))::float8 as size
       from unnest($1::text[]) as wanted (sql)
       join pg_class c on c.oid = to_regclass(sql)
       left join pg_stat_all_tables s on s.relid = c.oid`,
    [checked.flatMap(({ sources }) => sources[0]?.sql ?? [])],
  );
  const sizes = new Map(rows.map(({ sql, size }) => [sql, size]));
  return new Map(
    checked.flatMap(({ table, sources }): [string, number][] => {
      const size = sizes.get(sources[0]?.sql ?? '') ?? 0;
      return table.kind !== 'calendar' && size > 0 ? [[table.name, Math.round(size)]] : [];
    }),
  );
}

/** Counts into the report. What fails is a problem of this table, unless a connection was lost. */
async function verifyTable(
  table: WarehouseTable,
  sides: ComparedSides,
  columns: ReadonlyMap<string, FoundColumns>,
  report: TableReport,
): Promise<void> {
  const { source, warehouse } = sides;
  try {
    await withSavepoint([source, warehouse], async () => {
      const expected = await selectExpected(table, sides);
      const problem = findMissing(table, columns.get(table.name));
      if (problem !== undefined) {
        report.problem = problem;
        return countUnreadable(source, expected, report);
      }
      const foundTypes = await describeFound(warehouse, table);
      await compareTable(table, sides, { expected, foundTypes }, report);
      if (table.kind !== 'calendar') await countDangling(table, { ...sides, foundTypes, columns }, report);
      const others = describeOtherTypes(table, columns.get(table.name));
      if (others !== undefined) report.problem = others;
    });
  } catch (error) {
    report.problem = `${table.name} cannot be compared: ${(error as Error).message}`;
    if (!(await isAnswering(source)) || !(await isAnswering(warehouse))) {
      throw new TerminalError(report.problem, { table: table.name, cause: error });
    }
  }
}

const isAnswering = (client: pg.Client): Promise<boolean> =>
  client.query('select').then(
    () => true,
    () => false,
  );
