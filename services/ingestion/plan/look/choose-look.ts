import type { KnownTable } from '../../../../shared/records/plan/capture-state.ts';
import type { LookReason } from '../../../../shared/records/plan/run-record.ts';

/** When a table is left out of a plan that no write was reported of. */
export interface QuietRules {
  /** Its base never becomes older than this. Counters never say as of when they are right. */
  maxAgeSeconds: number;
  /** Tables up to this size, heap and TOAST, are always looked at: it costs next to nothing, and is exact. */
  alwaysBytes: number;
  /** Others are not looked at again before so many times the duration of their last look has passed. */
  restFactor: number;
  /**
   * How far below its lowest value an index is asked. A transaction sets the column to when it began, and gets its xid when it
   * first writes: between the two a plan may have come. Clocks of clients differ by as much, too.
   */
  overlapSeconds: number;
  /**
   * Where summaries of the log make a table as young as this, it is not looked at, though it was written to: they come a checkpoint
   * late. 0 where somebody waits for what was just committed.
   */
  summariesAgeSeconds: number;
}

export const defaultQuietRules: QuietRules = {
  maxAgeSeconds: 3600,
  alwaysBytes: 16 * 2 ** 20,
  restFactor: 10,
  overlapSeconds: 60,
  summariesAgeSeconds: 0,
};

/** What a plan knows of a table that is as the last look has left it, and of which only new rows would be read. */
export interface QuietFacts {
  known: Pick<KnownTable, 'look'>;
  /** The counters now; undefined where there are none. */
  counters: string | undefined;
  /** Of the plan that has looked last, ISO 8601; undefined where a very old release has planned. */
  lookedAt: string | undefined;
  /** Of the plan before this one, ISO 8601: the next one may be as far away. */
  plannedAt: string | undefined;
  now: Date;
  /** From the base to the plan's snapshot. */
  xids: bigint;
}

/** A look whose messages were lost must not keep a table out for good: no look takes as long. */
const longestLookSeconds = 24 * 3600;

/**
 * Decides whether a look that would find something is to wait, because the last one is still under way, or took long.
 *
 * @param last the look that extracts do, or undefined where the plan has looked itself
 * @returns undefined where it need not wait
 */
export function chooseWait(
  { known: { look }, lookedAt, now }: Pick<QuietFacts, 'known' | 'lookedAt' | 'now'>,
  { alwaysBytes, restFactor }: Pick<QuietRules, 'alwaysBytes' | 'restFactor'>,
  last: { isOver: boolean; seconds: number } | undefined,
): 'in flight' | 'resting' | undefined {
  if (look === undefined || (look.bytes !== undefined && look.bytes <= alwaysBytes)) return undefined;
  const ageSeconds = (now.getTime() - Date.parse(lookedAt ?? '')) / 1000;
  if (!(ageSeconds >= 0)) return undefined;
  if (last?.isOver === false) return ageSeconds < longestLookSeconds ? 'in flight' : undefined;
  const seconds = Math.max(look.seconds, last?.seconds ?? 0);
  return ageSeconds < restFactor * seconds ? 'resting' : undefined;
}

/** xmin shows what is new for a billion xids, and a busy session uses hundreds of thousands a second. */
const maxXids = 250_000_000n;

/**
 * Decides whether to look for new rows in a table.
 *
 * Claim: it cannot lose a row, whatever it decides, because a table that is left out keeps its base. It only decides when
 * the row is found.
 *
 * @returns `quiet` where the table is to be left out; any other reason is one to look
 */
export function chooseLook(
  { known: { look }, counters, lookedAt, plannedAt, now, xids }: QuietFacts,
  { maxAgeSeconds, alwaysBytes }: QuietRules,
): LookReason {
  if (counters === undefined || look?.counters === undefined) return 'no counters';
  if (look.counters !== counters) return 'written to';
  if (look.bytes !== undefined && look.bytes <= alwaysBytes) return 'small';
  const secondsSince = (at = '') => (now.getTime() - Date.parse(at)) / 1000;
  const ageSeconds = secondsSince(lookedAt);
  const ageAtNextPlan = ageSeconds + secondsSince(plannedAt);
  // A clock that was set back would keep the table out for as long.
  const isYoung = ageSeconds >= 0 && ageAtNextPlan < maxAgeSeconds;
  return isYoung && xids < maxXids ? 'quiet' : 'due';
}
