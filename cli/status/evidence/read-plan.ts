import { captureStateKey, type RunId } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { RunRecord } from '../../../shared/records/run-record.ts';

/** What the plans have left in S3. */
export interface LastPlan {
  /** Source tables that cannot be extracted as they are, with the reason. */
  failing: ReadonlyMap<string, string>;
  /** The last plan that found something new. */
  lastRun: LastRun | undefined;
}

export interface LastRun extends Pick<RunRecord, 'run' | 'warnings'> {
  /** How many. */
  slices: number;
}

const runPrefix = 'state/runs/';

export async function readLastPlan(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  now: Date,
): Promise<LastPlan> {
  const [failing, lastRun] = await Promise.all([readFailing(ingested), readLastRun(ingested, now)]);
  return { failing, lastRun };
}

async function readFailing(ingested: Pick<ObjectStore, 'get'>): Promise<ReadonlyMap<string, string>> {
  const state = parseObject((await ingested.get(captureStateKey))?.body);
  const tables = (state.tables ?? {}) as Record<string, { failed?: unknown }>;
  return new Map(
    Object.entries(tables).flatMap(([table, { failed }]) =>
      typeof failed === 'string' ? [[table, failed] as const] : [],
    ),
  );
}

async function readLastRun(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  now: Date,
): Promise<LastRun | undefined> {
  const key = await findLastKey(ingested, now);
  if (key === undefined) return undefined;
  const { slices, warnings } = parseObject((await ingested.get(key))?.body);
  return {
    run: key.slice(runPrefix.length).replace(/\.json$/, ''),
    slices: Array.isArray(slices) ? slices.length : 0,
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
  };
}

/** Keys begin with the time of their run. There may be millions: the latest hours and days are looked at first. */
async function findLastKey(ingested: Pick<ObjectStore, 'list'>, now: Date): Promise<string | undefined> {
  const back = (milliseconds: number, characters: number) =>
    new Date(now.getTime() - milliseconds).toISOString().replaceAll(/[-:.]/g, '').slice(0, characters);
  const hours = [0, 1, 2].map((hour) => back(hour * 3_600_000, 11));
  const days = [0, 1, 2, 3, 4, 5, 6, 7].map((day) => back(day * 86_400_000, 8));
  for (const time of [...hours, ...days, '']) {
    let last: string | undefined;
    for await (const { key } of ingested.list(runPrefix + time)) {
      if (last === undefined || key > last) last = key;
    }
    if (last !== undefined) return last;
  }
  return undefined;
}

/** A corrupt record is the plan's to refuse: here it says nothing. */
function parseObject(body: Uint8Array | undefined): Record<string, unknown> {
  if (body === undefined) return {};
  try {
    return (JSON.parse(Buffer.from(body).toString()) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** When a run was planned: its id begins with the time. */
export const timeOfRun = (run: RunId): Date =>
  new Date(run.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z.*$/, '$1-$2-$3T$4:$5:$6.$7Z'));
