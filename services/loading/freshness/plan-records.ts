import {
  captureStateKey,
  formatRunId,
  formatRunKey,
  runFolder,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { type RunRecord, readJson, readRunRecord } from '../run-record.ts';

/** What the plans recorded in the ingested bucket, as far as the freshness of the warehouse depends on it. */
export interface PlanRecords {
  /** When the last complete plan looked at the source. */
  plannedAt: Date;
  /** Source tables that cannot be extracted as they are. */
  failing: ReadonlySet<string>;
  /** The runs that found something, the oldest first. */
  runs: readonly RunRecord[];
}

/** Longer than a message can live on a queue and then among the dead letters. */
const recordDays = 4 + 14;
const concurrentReads = 16;

/**
 * Makes a reader of the plans' records, which remembers the runs that it has read: those are never changed.
 *
 * @returns of the reader: undefined before the first complete plan
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
    return { plannedAt: new Date(state.plannedAt), failing, runs: dropOverridden(runs) };
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
        const record = await readRunRecord(ingested, key);
        if (record !== undefined) known.set(key, record);
      }),
    );
  }
}

function failingTables(tables: unknown): string[] {
  const states = Object.entries((tables ?? {}) as Record<string, { failed?: unknown }>);
  return states.filter(([, { failed }]) => failed !== undefined).map(([table]) => table);
}

/**
 * Drops the records of plans that broke off after they had put them. The next plan begins where such a plan began, and
 * finds the same rows; the slices of the broken one may never have been sent.
 */
function dropOverridden(runs: readonly RunRecord[]): RunRecord[] {
  const last = new Map(runs.map((record) => [record.since, record]));
  return runs.filter((record) => last.get(record.since) === record);
}
