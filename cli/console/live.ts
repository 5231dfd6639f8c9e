import { listNewestRuns } from '../runs/list-runs.ts';
import { readStatus } from '../status/read-status.ts';
import type { Status } from '../status/status.ts';
import type { LoadProgress, Snapshot } from './answers/api.ts';
import type { SiteLook } from './look.ts';

/** Looks at the site while somebody listens. */
export interface LiveFeed {
  /** @returns a function that ends it */
  listen(listener: (snapshot: Snapshot) => void): () => void;
  /** Looks at once. */
  refresh(): void;
  close(): void;
}

const shownRuns = 12;

export interface LiveOptions {
  maxLagSeconds: number | undefined;
  /** Between two looks, in milliseconds. */
  everyMs?: number;
  /** Sees each status before it is sent. */
  pass?(status: Status): Status;
}

/** The share of the time that looks may take: each of them asks the databases some twenty questions. */
const restPerLook = 4;

/** A site that nobody has open is looked at again as soon as somebody opens it. */
const openedEveryMs = 500;

export function makeLiveFeed(
  look: SiteLook,
  { maxLagSeconds, everyMs = 2000, pass = (status) => status }: LiveOptions,
): LiveFeed {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const judge = makeJudgement();
  const measure = makeLoadMeasure();
  let latest: Snapshot | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isDue = false;

  const take = async (): Promise<Snapshot> => {
    const isLive = look.isLive();
    try {
      return await look.look(async (site) => {
        const now = new Date();
        const [status, { runs }] = await Promise.all([
          readStatus(site, { maxLagSeconds, now }),
          listNewestRuns(site, { limit: shownRuns, now }).catch(() => ({ runs: [] })),
        ]);
        return {
          status: pass(status),
          runs,
          error: null,
          since: judge(sayOf(status), now),
          isLive,
          load: measure(status),
        };
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const since = judge(reason, new Date());
      return { status: null, runs: latest?.runs ?? [], error: reason, since, isLive, load: null };
    }
  };

  const run = async () => {
    if (isLooking) {
      isDue = true;
      return;
    }
    clearTimeout(timer);
    isLooking = true;
    isDue = false;
    const begun = performance.now();
    latest = await take();
    isLooking = false;
    for (const listener of listeners) listener(latest);
    const rest = Math.max(everyMs, restPerLook * (performance.now() - begun));
    if (isDue) void run();
    else wait(latest.isLive || latest.error !== null ? rest : undefined);
  };

  /** @param milliseconds undefined: until somebody opens the site */
  const wait = (milliseconds: number | undefined) => {
    clearTimeout(timer);
    if (listeners.size === 0) return;
    timer = setTimeout(() => {
      if (milliseconds === undefined && !look.isLive()) wait(undefined);
      else void run();
    }, milliseconds ?? openedEveryMs);
  };

  return {
    listen: (listener) => {
      const isFirst = listeners.size === 0;
      listeners.add(listener);
      if (latest !== undefined) listener(latest);
      if (isFirst) void run();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearTimeout(timer);
      };
    },
    refresh: () => void run(),
    close: () => {
      listeners.clear();
      clearTimeout(timer);
    },
  };
}

/** What the first line of the page says. */
const sayOf = ({ ok, troubles }: Status): string =>
  ok ? 'ok' : troubles.map(({ kind, table }) => `${kind} ${table ?? ''}`).join();

/** @returns a function that says since when it has been told the same; null where that is from its first call on */
function makeJudgement(): (said: string, now: Date) => string | null {
  let before: string | undefined;
  let since: string | null = null;
  return (said, now) => {
    if (before !== undefined && said !== before) since = now.toISOString();
    before = said;
    return since;
  };
}

/** A shorter time than this says little of a rate. */
const measuredMs = 10_000;

/** Measures how fast rows come into the warehouse, from one status to the next. */
function makeLoadMeasure(): (status: Status) => LoadProgress | null {
  let seen: { at: number; versions: number }[] = [];
  return ({ tables, queues, checkedAt }) => {
    const now = { at: Date.parse(checkedAt), versions: sum(tables.map(({ versions }) => versions)) };
    // The first one is from before the time that is measured.
    const kept = seen.findLastIndex(({ at }) => now.at - at >= measuredMs);
    seen = [...seen.slice(Math.max(0, kept)), now];
    const rows = sum(tables.map(({ inFlight }) => inFlight ?? 0));
    const extract = queues.find(({ queue }) => queue === 'extract');
    const slices = (extract?.ready ?? 0) + (extract?.inFlight ?? 0);
    // What lies among the dead letters is on no way.
    const isMoving = queues.some(({ ready, inFlight }) => ready + inFlight > 0);
    if (!isMoving) {
      seen = [now];
      return null;
    }
    const first = seen[0] ?? now;
    const seconds = (now.at - first.at) / 1000;
    return { rows, slices, rowsPerSecond: seconds < 1 ? null : (now.versions - first.versions) / seconds };
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
