import { mapInGroups } from '../../in-groups.ts';
import { formatRunId, type ObjectKey, parseKnownKey, type RunId } from '../../object-store/object-key.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { listDropped } from '../dropped.ts';
import { type CaptureState, isKnown, readCaptureState } from './capture-state.ts';
import { listEmptySlices } from './empty-slices.ts';
import { listRuns, type RunRecord, readRunRecord } from './run-record.ts';
import { type FollowedSlice, plannedSliceOf } from './slices.ts';
import type { SourceReads } from './source-reads.ts';

/** What the plans recorded in the ingested bucket, as far as the age of the warehouse depends on it. */
export interface PlanRecords {
  /** When the last complete plan looked at the source. */
  plannedAt: Date;
  /** Of source tables that plans have left out since: when the last plan looked that did not. */
  bases: ReadonlyMap<string, Date>;
  /** Of source tables whose newest changes are read by an index: by which column, and when a plan last did. */
  byIndex?: ReadonlyMap<string, ReadByIndex>;
  /** Source tables that cannot be extracted as they are. */
  failing: ReadonlySet<string>;
  /** The runs that found something, the oldest first. */
  runs: readonly RunRecord[];
  /** What was read of the source lately. */
  reads?: SourceReads;
  /** Slices in which extracts have found nothing new. */
  empty: readonly FollowedSlice[];
  /** The keys of the objects whose messages an operator has discarded: nothing brings them any more. */
  dropped: readonly ObjectKey[];
}

export interface ReadByIndex {
  column: string;
  at: Date;
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
    return describePlans(state, records, await readRest(ingested, records));
  };
}

type RestOfPlans = { dropped: ReadonlySet<string>; empty: FollowedSlice[] };

async function readRest(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  records: readonly RunRecord[],
): Promise<RestOfPlans> {
  const tables = new Map(
    records.flatMap(({ run, slices }) => slices.map(({ slice, table }) => [`${run} ${slice}`, table])),
  );
  const empty: FollowedSlice[] = [];
  const [oldest] = records;
  if (oldest !== undefined) {
    const [before] = oldest.run.split('Z');
    for await (const { run, slice, isSkipped } of listEmptySlices(ingested, { after: `${before}Z` })) {
      const table = tables.get(`${run} ${plannedSliceOf(slice)}`);
      if (table !== undefined && !isSkipped) empty.push({ run, slice, table });
    }
  }
  return { dropped: await listDropped(ingested), empty };
}

const describePlans = (
  state: CaptureState,
  records: readonly RunRecord[],
  { dropped, empty }: RestOfPlans,
): PlanRecords => ({
  plannedAt: new Date(state.plannedAt ?? 0),
  bases: new Map(
    Object.entries(state.tables).flatMap(([table, known]): [string, Date][] =>
      isKnown(known) && known.base !== undefined ? [[table, new Date(known.base.plannedAt)]] : [],
    ),
  ),
  byIndex: new Map(
    Object.entries(state.tables).flatMap(([table, known]): [string, ReadByIndex][] => {
      if (!isKnown(known) || known.index === undefined) return [];
      const { column, base } = known.index;
      return [[table, { column, at: new Date(base?.plannedAt ?? state.plannedAt ?? 0) }]];
    }),
  ),
  failing: new Set(failingTables(state)),
  runs: dropOverridden(records),
  ...(state.reads && { reads: state.reads }),
  empty,
  dropped: [...dropped].flatMap((key) => parseKnownKey(key) ?? []),
});

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
  await mapInGroups(missing, concurrentReads, async (run) => {
    const record = await readRunRecord(ingested, run);
    if (record !== undefined) known.set(run, record);
  });
}

/** Seconds that are looked back, in this order, until there are enough records. */
const windows = [3600, 86_400, recordDays * 86_400];

/**
 * Reads the newest records alone: an operator waits, and a watch leaves thousands a day.
 *
 * @param atMost records; what older runs have left unloaded, sweeps find
 * @throws {TerminalError} a record is not what a plan writes
 */
export async function readNewestPlans(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  now: Date,
  atMost: number,
): Promise<PlanRecords | undefined> {
  const state = (await readCaptureState(ingested))?.state;
  if (state?.plannedAt === undefined) return undefined;
  let runs: RunId[] = [];
  for (const seconds of windows) {
    runs = [];
    const oldest = formatRunId(new Date(now.getTime() - seconds * 1000), '0000');
    for await (const run of listRuns(ingested, oldest)) runs.push(run);
    if (runs.length >= atMost) break;
  }
  const newest = runs.slice(-atMost);
  const known = new Map<RunId, RunRecord>();
  await readMissing(ingested, newest, known);
  const records = newest.flatMap((run) => known.get(run) ?? []);
  return describePlans(state, records, await readRest(ingested, records));
}

const failingTables = ({ tables }: CaptureState): string[] =>
  Object.entries(tables).flatMap(([table, state]) => (isKnown(state) ? [] : [table]));

/**
 * Drops the records of plans that broke off after they had put them. The next plan begins where such a plan began, and
 * finds the same rows; the slices of the broken one may never have been sent.
 */
function dropOverridden(runs: readonly RunRecord[]): RunRecord[] {
  const last = new Map(runs.map((record) => [record.since, record]));
  return runs.filter((record) => last.get(record.since) === record);
}
