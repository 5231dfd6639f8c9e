import type pg from 'pg';
import { toPipelineError } from '../../../shared/classify-error.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import type { StarSchema, WarehouseTable } from '../../../shared/star-schema/assemble.ts';
import { countWaiting } from '../../../shared/warehouse/count-waiting.ts';
import { ledgerTable } from '../../../shared/warehouse/ledger-schema.ts';
import { isSliceLoaded, type RunRecord } from '../run-record.ts';
import type { PlanRecords } from './plan-records.ts';

export interface FreshnessDeps {
  /** The warehouse, with all of its tables. */
  database: Pick<Database, 'withClient'>;
  readPlans(now: Date): Promise<PlanRecords | undefined>;
  model: StarSchema;
  /** The schema of the star schema's tables. */
  schema: string;
  now(): Date;
}

export interface TableFreshness {
  table: string;
  /** undefined if nothing of the table was ever captured, or if it is unknown. */
  lagSeconds: number | undefined;
  /** Rows that wait for a dimension; of facts only. */
  waiting: number | undefined;
}

/** The slices of one run that are in one warehouse table, in any revision. */
interface LoadedRun {
  table: string;
  run: string;
  slices: string[];
}

/**
 * How old the warehouse is, table by table: now minus the instant up to which all that was committed in the source
 * has been captured and loaded. If nothing happens in the source, the warehouse is as fresh as the last plan.
 *
 * @throws {TransientError} S3 or the warehouse does not answer
 */
export async function measureFreshness(deps: FreshnessDeps): Promise<TableFreshness[]> {
  try {
    const now = deps.now();
    const plans = await deps.readPlans(now);
    return await deps.database.withClient(async (client) => {
      const loaded = await selectLoadedRuns(client, plans?.runs[0]?.run ?? '');
      const waiting = await countWaiting(client, deps.model, deps.schema);
      return deps.model.tables.map((table) => {
        const instant = plans && freshUntil(table, deps.model, { plans, loaded });
        const rows = waiting.filter((each) => each.table === table.name).map((each) => each.rows);
        return {
          table: table.name,
          lagSeconds: instant && Math.max(0, (now.getTime() - instant.getTime()) / 1000),
          waiting: table.kind === 'fact' ? rows.reduce((sum, count) => sum + count, 0) : undefined,
        };
      });
    });
  } catch (error) {
    throw toPipelineError(error);
  }
}

/** @param oldest the first run to select */
async function selectLoadedRuns(client: pg.ClientBase, oldest: string): Promise<LoadedRun[]> {
  const { rows } = await client.query<LoadedRun>(
    `select warehouse_table as table, run, array_agg(distinct slice) as slices
       from ${ledgerTable}
      where run >= $1
      group by warehouse_table, run`,
    [oldest],
  );
  return rows;
}

export interface FreshnessFacts {
  plans: PlanRecords;
  loaded: readonly LoadedRun[];
}

/** @returns undefined if it is unknown: the table cannot be extracted, and nothing of it is loaded */
export function freshUntil(
  table: WarehouseTable,
  model: StarSchema,
  facts: FreshnessFacts,
): Date | undefined {
  // The calendar is made of what the facts name.
  if (table.kind === 'calendar') {
    const tables = model.tables.filter(({ kind }) => kind === 'fact');
    return earliest(tables.map((fact) => freshUntil(fact, model, facts)));
  }
  const { plannedAt, failing, runs } = facts.plans;
  const source = table.source.name;
  const loaded = new Map(
    facts.loaded.filter((each) => each.table === table.name).map((each) => [each.run, new Set(each.slices)]),
  );
  const open = openRuns(source, runs, loaded);
  const instants = open.map(({ since, plannedAt }) => new Date(since ?? plannedAt));
  if (!failing.has(source)) return earliest([plannedAt, ...instants]);
  const newest = runs.findLast(({ run }) => loaded.has(run));
  return newest && earliest([new Date(newest.plannedAt), ...instants]);
}

/** The runs whose rows of a table are not all loaded, from the last full extract on that is loaded whole. */
function openRuns(
  source: string,
  runs: readonly RunRecord[],
  loaded: ReadonlyMap<string, ReadonlySet<string>>,
): RunRecord[] {
  const open: RunRecord[] = [];
  for (const record of runs.toReversed()) {
    const slices = record.slices.filter(({ table }) => table === source);
    if (slices.length === 0) continue;
    const isLoaded = slices.every(({ slice }) => isSliceLoaded(slice, loaded.get(record.run) ?? noSlices));
    if (!isLoaded) open.push(record);
    const isFailure = record.failures.some(({ table }) => table === source);
    if (isLoaded && !isFailure && slices.every(({ full }) => full)) break;
  }
  return open;
}

const noSlices: ReadonlySet<string> = new Set();

function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  if (instants.length === 0 || instants.includes(undefined)) return undefined;
  return new Date(Math.min(...instants.map(Number)));
}
