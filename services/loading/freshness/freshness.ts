import type pg from 'pg';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { formatRunId, type RunId } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { type CaptureState, readCaptureState } from '../../../shared/records/capture-state.ts';
import { listRuns, type RunRecord, readRunRecord } from '../../../shared/records/run-record.ts';
import { isAccountedFor, makeKnownSlices, type SliceId } from '../../../shared/records/slices.ts';
import type { StarSchema, WarehouseTable } from '../../../shared/star-schema/assemble.ts';
import { countWaiting } from '../../../shared/warehouse/count-waiting.ts';
import { ledgerTable } from '../../../shared/warehouse/ledger-schema.ts';

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
 * Measures how old each warehouse table is: now minus the instant up to which everything committed in the source has
 * been captured and loaded. If nothing changes in the source, the warehouse is as fresh as the last plan.
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

/**
 * The instant up to which the source's commits are in a warehouse table.
 *
 * @returns undefined if it is unknown: the table cannot be extracted, and nothing of it is loaded
 */
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
  const { failing, runs } = facts.plans;
  const source = table.source.name;
  const plannedAt = facts.plans.bases.get(source) ?? facts.plans.plannedAt;
  const loaded = makeKnownSlices();
  const loadedRuns = facts.loaded.filter((each) => each.table === table.name);
  for (const { run, slices } of loadedRuns)
    for (const slice of slices) loaded.add(table.name, { run, slice });
  const open = openRuns(runs, source, (run, slice) => isAccountedFor(loaded, table.name, { run, slice }));
  const instants = open.map((record) => new Date(sinceOf(record, source) ?? record.plannedAt));
  if (!failing.has(source)) return earliest([plannedAt, ...instants]);
  const loadedIds = new Set(loadedRuns.map(({ run }) => run));
  const newest = runs.findLast(({ run }) => loadedIds.has(run));
  return newest && earliest([new Date(newest.plannedAt), ...instants]);
}

/** The runs whose rows of a table are not all loaded, since the last full extract that is. */
function openRuns(
  runs: readonly RunRecord[],
  source: string,
  isSliceLoaded: (run: RunId, slice: SliceId) => boolean,
): RunRecord[] {
  const open: RunRecord[] = [];
  for (const record of runs.toReversed()) {
    const slices = record.slices.filter(({ table }) => table === source);
    if (slices.length === 0) continue;
    const isLoaded = slices.every(({ slice }) => isSliceLoaded(record.run, slice));
    if (!isLoaded) open.push(record);
    const isFailure = record.failures.some(({ table }) => table === source);
    if (isLoaded && !isFailure && slices.every(({ full }) => full)) break;
  }
  return open;
}

/** When the plan before this one looked at the table. */
const sinceOf = ({ slices, since }: RunRecord, source: string): string | undefined =>
  slices.find(({ table }) => table === source)?.since ?? since;

function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  if (instants.length === 0 || instants.includes(undefined)) return undefined;
  return new Date(Math.min(...instants.map(Number)));
}

/** What the plans recorded in the ingested bucket, as far as freshness depends on it. */
export interface PlanRecords {
  /** When the last complete plan looked at the source. */
  plannedAt: Date;
  /** Of source tables that plans have left out since: when the last plan looked that did not. */
  bases: ReadonlyMap<string, Date>;
  /** Source tables that cannot be extracted as they are. */
  failing: ReadonlySet<string>;
  /** The runs that found something, the oldest first. */
  runs: readonly RunRecord[];
}

/** Longer than a message can live on a queue and then among the dead letters. */
const recordDays = 4 + 14;
const concurrentReads = 16;

/**
 * Makes a reader of the plans' records, which remembers the runs that it has read, because records never change.
 *
 * @returns of the reader: undefined before the first complete plan
 * @throws {TerminalError} of the reader: a record is not what a plan writes
 */
export function makePlanRecordsReader(ingested: Pick<ObjectStore, 'get' | 'list'>) {
  const known = new Map<RunId, RunRecord>();
  return async (now: Date): Promise<PlanRecords | undefined> => {
    const state = (await readCaptureState(ingested))?.state;
    if (state?.plannedAt === undefined) return undefined;
    const runs = await listRecentRuns(ingested, now);
    for (const run of known.keys()) if (!runs.includes(run)) known.delete(run);
    await readMissing(ingested, runs, known);
    const records = runs.flatMap((run) => known.get(run) ?? []);
    return {
      plannedAt: new Date(state.plannedAt),
      bases: new Map(
        Object.entries(state.tables).flatMap(([table, known]): [string, Date][] =>
          'source' in known && known.base !== undefined ? [[table, new Date(known.base.plannedAt)]] : [],
        ),
      ),
      failing: new Set(failingTables(state)),
      runs: dropOverridden(records),
    };
  };
}

async function listRecentRuns(ingested: Pick<ObjectStore, 'list'>, now: Date): Promise<RunId[]> {
  const oldest = formatRunId(new Date(now.getTime() - recordDays * 86_400_000), '0000');
  const runs: RunId[] = [];
  for await (const run of listRuns(ingested, oldest)) runs.push(run);
  return runs;
}

async function readMissing(
  ingested: Pick<ObjectStore, 'get'>,
  runs: readonly RunId[],
  known: Map<RunId, RunRecord>,
): Promise<void> {
  const missing = runs.filter((run) => !known.has(run));
  for (let start = 0; start < missing.length; start += concurrentReads) {
    const group = missing.slice(start, start + concurrentReads);
    await Promise.all(
      group.map(async (run) => {
        const record = await readRunRecord(ingested, run);
        if (record !== undefined) known.set(run, record);
      }),
    );
  }
}

const failingTables = ({ tables }: CaptureState): string[] =>
  Object.entries(tables).flatMap(([table, state]) => ('failed' in state ? [table] : []));

/**
 * Drops the records of plans that broke off after they had put them. The next plan begins where such a plan began, and
 * finds the same rows; the slices of the broken one may never have been sent.
 */
function dropOverridden(runs: readonly RunRecord[]): RunRecord[] {
  const last = new Map(runs.map((record) => [record.since, record]));
  return runs.filter((record) => last.get(record.since) === record);
}
