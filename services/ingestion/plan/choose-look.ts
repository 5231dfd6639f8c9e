import type { KnownTable } from '../../../shared/records/plan/capture-state.ts';
import type { LookReason } from '../../../shared/records/plan/run-record.ts';

/** When a table is left out of a plan that no write was reported of. */
export interface QuietRules {
  /** Its base never becomes older than this. Counters never say as of when they are right. */
  maxAgeSeconds: number;
  /** Tables up to this size, heap and TOAST, are always looked at: it costs next to nothing, and is exact. */
  alwaysBytes: number;
}

export const defaultQuietRules: QuietRules = { maxAgeSeconds: 3600, alwaysBytes: 16 * 2 ** 20 };

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
