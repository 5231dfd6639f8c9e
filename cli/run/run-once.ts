import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedRun, TableLook } from '../../shared/records/plan/run-record.ts';
import type { LedgerCount } from '../site/ledger.ts';
import { commandFor, type RunnableSite } from '../site/site.ts';
import type { Finding } from './report/check-tables.ts';
import { isTransient, makeReport, type RunReport } from './report/make-report.ts';
import { listUnfinished } from './report/unfinished.ts';

type OnProgress = (counts: readonly LedgerCount[], planned: PlannedRun) => void;

export interface RunOptions {
  signal?: AbortSignal;
  /** How long to go on while nothing gets done because something refuses, or is locked; 15 minutes when left out. */
  waitMs?: number;
  /** How often the rows that are loaded so far are counted, in milliseconds; 250 when left out. */
  progressEveryMs?: number;
  /** Called about once a second. It prints outages, and makes the site's connection anew where it was lost. */
  onSecond?(): Promise<void>;
  /** Called with what is waited for, such as a database that cannot be connected to. */
  onRefusal?(error: unknown): void;
  /** Called when the work is done. */
  check?(): Promise<Finding[]>;
}

const defaultProgressMs = 250;
const defaultWaitMs = 15 * 60_000;
const secondMs = 1000;

/**
 * Plans, and follows the work until everything new has reached the warehouse or is accounted for, or has waited for too long.
 *
 * @param onProgress called with what has been loaded so far; undefined unless somebody watches
 * @throws {Error} the source, the warehouse or a service could not be had for so long
 */
export async function runOnce(
  site: RunnableSite,
  onProgress: OnProgress | undefined,
  options: RunOptions = {},
): Promise<RunReport> {
  const startedAt = new Date();
  const started = performance.now();
  const { check = async () => [] } = options;
  const first = await orWait(() => site.plan(), options);
  const { planned, isDone } = await followToTheEnd(site, first, onProgress, options);
  // What has been waited for is not waited for once more.
  const reporting = isDone ? options : { ...options, waitMs: 0 };
  return orWait(async () => {
    const ledger = await site.countLoaded();
    await site.endReport();
    const isAborted = options.signal?.aborted === true;
    const unfinished = isDone || isAborted ? [] : await findUnfinished(site);
    const findings = [...unfinished, ...(isAborted ? [] : await check())];
    const seconds = (performance.now() - started) / 1000;
    const report = await makeReport(site, planned, { startedAt, seconds, ledger, findings });
    if (isDone) site.noteDrained?.(planned.run);
    return report;
  }, reporting);
}

async function findUnfinished(site: RunnableSite): Promise<Finding[]> {
  const unfinished = await listUnfinished(site, new Date());
  if (unfinished.length > 0) return unfinished;
  return [{ table: null, text: 'not all messages are done', command: commandFor(site, 'run') }];
}

/** Does the work, and again while what it needs refuses. */
async function orWait<T>(work: () => Promise<T>, options: RunOptions): Promise<T> {
  const { signal, waitMs = defaultWaitMs, onSecond, onRefusal } = options;
  const begun = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isOver = performance.now() - begun + secondMs > waitMs;
      if (!isTransient(error) || isOver || signal?.aborted) throw error;
      await onSecond?.();
      onRefusal?.(error);
    }
    await delay(secondMs, undefined, signal && { signal }).catch(() => {});
  }
}

/** @returns all that was planned, by plans during the run too */
async function followToTheEnd(
  site: RunnableSite,
  first: PlannedRun,
  onProgress: OnProgress | undefined,
  { signal, waitMs = defaultWaitMs, progressEveryMs = defaultProgressMs, onSecond }: RunOptions,
): Promise<{ planned: PlannedRun; isDone: boolean }> {
  let planned = first;
  let countedAt = Number.NEGATIVE_INFINITY;
  let progressAt = performance.now();
  let done = site.countDone?.() ?? 0;
  let secondAt = performance.now() + secondMs;
  while (!signal?.aborted) {
    const isDone = await site.isDone(planned);
    // On a stage the schedule plans again.
    const isLeftOut =
      site.needsPlan !== undefined && planned.locked?.some((table) => table.isLeftOut) === true;
    if (isDone && !isLeftOut) {
      if (((await site.sendDue?.()) ?? 0) === 0) return { planned, isDone };
      continue;
    }
    const now = performance.now();
    const doneNow = site.countDone?.() ?? 0;
    if (doneNow !== done) progressAt = now;
    done = doneNow;
    // Read before the wait is over: a first attempt may take long, and is none.
    const isWaiting = isDone || site.isHeldUp?.() === true;
    if (isWaiting && now - progressAt >= waitMs) return { planned, isDone: false };
    const isSecond = now >= secondAt;
    if (isSecond) {
      secondAt = now + secondMs;
      await onSecond?.();
    }
    if (site.needsPlan?.() || (isDone && isSecond)) planned = await planAgain(site, planned);
    if (onProgress !== undefined && now - countedAt > progressEveryMs) {
      await tellProgress(site, planned, onProgress);
      countedAt = performance.now();
    }
    await delay(site.lookEveryMs);
  }
  return { planned, isDone: false };
}

/** If the source is unreachable, the work that is planned already goes on without a new plan. */
async function planAgain(site: RunnableSite, before: PlannedRun): Promise<PlannedRun> {
  try {
    const again = await site.plan();
    return {
      ...again,
      slices: [...before.slices, ...again.slices],
      looks: joinLooks(before.looks, again.looks),
    };
  } catch (error) {
    if (isTransient(error)) return before;
    throw error;
  }
}

/** A run has looked at a table if one of its plans has. */
const joinLooks = (before: readonly TableLook[] = [], again: readonly TableLook[] = []): TableLook[] =>
  again.map((look) => before.find(({ table, isLookedAt }) => table === look.table && isLookedAt) ?? look);

/** A lost connection is made anew within a second, and the work goes on meanwhile. */
async function tellProgress(site: RunnableSite, planned: PlannedRun, onProgress: OnProgress): Promise<void> {
  try {
    onProgress(await site.countLoaded(), planned);
  } catch (error) {
    if (!isTransient(error)) throw error;
  }
}
