import { TerminalError } from '../../shared/errors.ts';
import {
  captureStateKey,
  formatRunId,
  formatRunKey,
  type RunId,
  runFolder,
} from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type {
  RunRecord as PlannedRecord,
  PlannedSlice,
  TableFailure,
} from '../../shared/records/run-record.ts';

/** What the plans have left in the ingested bucket, as far as it tells how fresh the warehouse is. */
export interface PlanRecords {
  /** When the last complete plan looked at the source. */
  plannedAt: Date;
  /** Source tables that cannot be extracted as they are. */
  failing: ReadonlySet<string>;
  /** The runs that found something, the oldest first. */
  runs: readonly RunRecord[];
}

/** What loading reads of a run's record. */
export type RunRecord = Pick<PlannedRecord, 'run' | 'plannedAt'> & {
  since: PlannedRecord['since'] | undefined;
  slices: readonly PlannedSlice[];
  failures: readonly Pick<TableFailure, 'table'>[];
};

/** Longer than a message can live on a queue and then among the dead letters. */
const recordDays = 4 + 14;
const concurrentReads = 16;

/**
 * Makes a reader of the plans' records, which remembers the runs that it has read: those are never changed.
 *
 * @returns of the reader: undefined as long as no plan has been complete
 * @throws {TerminalError} of the reader: a record is not what a plan writes
 */
export function makePlanRecordsReader(ingested: Pick<ObjectStore, 'get' | 'list'>) {
  const known = new Map<string, RunRecord>();
  return async (now: Date): Promise<PlanRecords | undefined> => {
    const state = await readJson(ingested, captureStateKey);
    if (typeof state?.plannedAt !== 'string') return undefined;
    const keys = new Set(await listRecentKeys(ingested, now));
    for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    await readMissing(ingested, [...keys], known);
    const runs = [...keys].flatMap((key) => known.get(key) ?? []);
    const failing = new Set(failingTables(state.tables));
    return { plannedAt: new Date(state.plannedAt), failing, runs: withoutOverridden(runs) };
  };
}

/**
 * Makes a reader of one run's record, which remembers the last one: the objects of a run come together.
 *
 * @returns of the reader: undefined where there is no such record
 * @throws {TerminalError} of the reader: the record is not what a plan writes
 */
export function makeRunRecordReader(ingested: Pick<ObjectStore, 'get'>) {
  let last: RunRecord | undefined;
  return async (run: RunId): Promise<RunRecord | undefined> => {
    if (last?.run === run) return last;
    const record = await readRecord(ingested, formatRunKey(run));
    last = record;
    return record;
  };
}

async function listRecentKeys(ingested: Pick<ObjectStore, 'list'>, now: Date): Promise<string[]> {
  const oldest = formatRunKey(formatRunId(new Date(now.getTime() - recordDays * 86_400_000), '0000'));
  const keys: string[] = [];
  for await (const { key } of ingested.list(runFolder, oldest)) keys.push(key);
  return keys;
}

async function readMissing(
  ingested: Pick<ObjectStore, 'get'>,
  keys: readonly string[],
  known: Map<string, RunRecord>,
): Promise<void> {
  const missing = keys.filter((key) => !known.has(key));
  for (let start = 0; start < missing.length; start += concurrentReads) {
    const group = missing.slice(start, start + concurrentReads);
    await Promise.all(
      group.map(async (key) => {
        const record = await readRecord(ingested, key);
        if (record !== undefined) known.set(key, record);
      }),
    );
  }
}

async function readRecord(ingested: Pick<ObjectStore, 'get'>, key: string): Promise<RunRecord | undefined> {
  const record = await readJson(ingested, key);
  return record && asRunRecord(key, record);
}

function asRunRecord(key: string, record: Record<string, unknown>): RunRecord {
  const { run, plannedAt, slices, failures } = record;
  const hasAll = typeof run === 'string' && typeof plannedAt === 'string';
  if (!hasAll || !Array.isArray(slices) || !Array.isArray(failures)) {
    throw new TerminalError('this is no record of a run', { key });
  }
  return record as unknown as RunRecord;
}

function failingTables(tables: unknown): string[] {
  const states = Object.entries((tables ?? {}) as Record<string, { failed?: unknown }>);
  return states.filter(([, { failed }]) => failed !== undefined).map(([table]) => table);
}

/**
 * A plan that came to nothing after its record was put is followed by one that begins where it had begun, and finds
 * the same rows: its own slices may never have been sent.
 */
function withoutOverridden(runs: readonly RunRecord[]): RunRecord[] {
  const last = new Map(runs.map((record) => [record.since, record]));
  return runs.filter((record) => last.get(record.since) === record);
}

async function readJson(
  ingested: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<Record<string, unknown> | undefined> {
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(object.body).toString());
  } catch (cause) {
    throw new TerminalError('this is not JSON', { key, cause });
  }
}
