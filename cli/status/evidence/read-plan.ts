import {
  captureStateKey,
  formatRunKey,
  type RunId,
  runFolder,
  timeOfRun,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { isDigits } from '../../../shared/records/json-record.ts';
import type { TableCensuses } from '../../../shared/records/plan/capture-state.ts';
import { findLastRun, type RunRecord } from '../../../shared/records/plan/run-record.ts';

/** What the plans have left in S3. */
export interface LastPlan {
  /** Source tables that cannot be extracted as they are, with the reason. */
  failing: ReadonlyMap<string, string>;
  /** The last plan that found something new. */
  lastRun: LastRun | undefined;
  /** What plans know of their looks for deletes; undefined where there is no capture state. */
  looks: KnownLooks | undefined;
}

export interface KnownLooks {
  /** Of the capture state, decimal digits. */
  generation: string;
  /** The run of the last look that is over, or that was under way when the generation began; by source table. */
  lastRuns: ReadonlyMap<string, RunId>;
}

export interface LastRun extends Pick<RunRecord, 'run' | 'plannedAt' | 'warnings'> {
  /** How many. */
  slices: number;
}

export async function readLastPlan(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  now: Date,
): Promise<LastPlan> {
  const state = parseObject((await ingested.get(captureStateKey))?.body);
  return {
    failing: failingOf(state),
    lastRun: await readLastRun(ingested, state.lastRun, now),
    looks: looksOf(state),
  };
}

function failingOf(state: Record<string, unknown>): ReadonlyMap<string, string> {
  const tables = (state.tables ?? {}) as Record<string, { failed?: unknown }>;
  return new Map(
    Object.entries(tables).flatMap(([table, { failed }]) =>
      typeof failed === 'string' ? [[table, failed] as const] : [],
    ),
  );
}

function looksOf({ generation, censuses }: Record<string, unknown>): KnownLooks | undefined {
  if (!isDigits(generation)) return undefined;
  const known = Object.entries((censuses ?? {}) as Record<string, TableCensuses>);
  const lastRuns = known.flatMap(([table, { last, before }]) => {
    const run = last?.run ?? before;
    return run === undefined ? [] : [[table, run] as const];
  });
  return { generation, lastRuns: new Map(lastRuns) };
}

async function readLastRun(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  known: unknown,
  now: Date,
): Promise<LastRun | undefined> {
  const run =
    typeof known === 'string'
      ? ((await findLastRun(ingested, known)) ?? known)
      : await searchLastRun(ingested, now);
  if (run === undefined) return undefined;
  const { slices, warnings, plannedAt } = parseObject((await ingested.get(formatRunKey(run)))?.body);
  return {
    run,
    plannedAt: typeof plannedAt === 'string' ? plannedAt : timeOfRun(run).toISOString(),
    slices: Array.isArray(slices) ? slices.length : 0,
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
  };
}

/**
 * Where the state of an older release does not know it. Keys begin with the time of their run. There may be millions: the
 * latest hours and days are looked at first.
 */
async function searchLastRun(ingested: Pick<ObjectStore, 'list'>, now: Date): Promise<RunId | undefined> {
  const back = (milliseconds: number, characters: number) =>
    new Date(now.getTime() - milliseconds).toISOString().replaceAll(/[-:.]/g, '').slice(0, characters);
  const hours = [0, 1, 2].map((hour) => back(hour * 3_600_000, 11));
  const days = [0, 1, 2, 3, 4, 5, 6, 7].map((day) => back(day * 86_400_000, 8));
  for (const time of [...hours, ...days, '']) {
    let last: string | undefined;
    for await (const { key } of ingested.list(runFolder + time)) {
      if (last === undefined || key > last) last = key;
    }
    if (last !== undefined) return last.slice(runFolder.length).replace(/\.json$/, '');
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
