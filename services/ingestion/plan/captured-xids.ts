import type { CapturedXids, PlanMark } from '../../../shared/records/plan/capture-state.ts';
import {
  type SourceMoment,
  type SourceSnapshot,
  selectSnapshot,
  type WalPosition,
  widenNext,
} from '../source/snapshot.ts';
import type { Statements } from '../source/statements.ts';

/** With more in progress than this, every row since the oldest of them counts as new. */
const maxListed = 1_000;
/** More xids than this are not asked for one by one: it would take seconds. */
const maxCandidates = 2_000_000n;

/**
 * Finds which xids the extracts of this plan are certain to see; the next plan begins there.
 *
 * Claim: an xid below the base and not in the list had finished when this returns.
 * - Below the base and asked for: it was not in progress.
 * - Below the base and not asked for: either it lies below the snapshot's xmin, and then it had finished before
 *   the snapshot, on a standby too, whose snapshots begin at the oldest xid that the primary has in progress (a
 *   subtransaction has a higher xid than its parent); or it lies below the previous base and was not in the
 *   previous list, and had finished at the previous plan.
 *
 * So an extract, whose snapshot is taken later, shows what it wrote; and its rows are new to that extract: either
 * it lies at or above the previous base, or the previous list has it, or an earlier plan's extract has captured it.
 */
export async function findCapturedXids(
  source: Statements,
  previous: CapturedXids | undefined,
): Promise<{ snapshot: SourceSnapshot; captured: CapturedXids }> {
  const snapshot = await selectSnapshot(source);
  const candidates = chooseCandidates(snapshot, previous);
  // What finishes between the snapshot and this statement is not listed: hence extracts come later than both.
  const inProgress = candidates === undefined ? undefined : await selectInProgress(source, candidates);
  return { snapshot, captured: chooseCaptured(snapshot, inProgress) };
}

/** Which xids to ask for: those of [from, to), and those listed. Decimal digits of an xid8. */
interface XidCandidates {
  from: string;
  to: string;
  listed: readonly string[];
}

/** @returns undefined if there are too many to ask for */
export function chooseCandidates(
  { xmin, xmax }: Pick<SourceSnapshot, 'xmin' | 'xmax'>,
  previous: CapturedXids | undefined,
): XidCandidates | undefined {
  const oldest = BigInt(xmin);
  const from = previous === undefined ? oldest : maxOf(oldest, BigInt(previous.base));
  if (BigInt(xmax) - from > maxCandidates) return undefined;
  const listed = previous?.inProgress.filter((xid) => BigInt(xid) >= oldest) ?? [];
  return { from: String(from), to: xmax, listed };
}

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const minOf = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * Those of the candidates that are in progress now, in ascending order.
 *
 * pg_xact_status knows what a snapshot does not show: subtransactions (savepoints) one by one, prepared
 * transactions, and on a standby what is in progress on its primary.
 */
async function selectInProgress(source: Statements, candidates: XidCandidates): Promise<string[]> {
  const { rows } = await source.query<{ xid: string }>(
    `
    with candidate as (
      select unnest('{${candidates.listed.join(',')}}'::int8[]) as xid
       union
      select generate_series('${candidates.from}'::int8, '${candidates.to}'::int8 - 1)
    )
    select xid::text
      from candidate
     where pg_xact_status(xid::text::xid8) = 'in progress'
     order by candidate.xid`,
  );
  return rows.map(({ xid }) => xid);
}

/** Without a list the base is the snapshot's xmin: below it everything had finished. */
export function chooseCaptured(
  { xmin, xmax }: Pick<SourceSnapshot, 'xmin' | 'xmax'>,
  inProgress: readonly string[] | undefined,
): CapturedXids {
  if (inProgress === undefined || inProgress.length > maxListed) return { base: xmin, inProgress: [] };
  return { base: xmax, inProgress: [...inProgress] };
}

/** The oldest xid that captured xids do not cover: a transaction that has it may have begun long before their plan. */
export const oldestUncovered = ({ base, inProgress }: CapturedXids): bigint =>
  [base, ...inProgress].map(BigInt).reduce(minOf);

/**
 * The last plan before which whatever was not covered had written nothing.
 *
 * @returns undefined where no plan is known that is as old
 */
export const findMark = (
  marks: readonly PlanMark[] | undefined,
  captured: CapturedXids,
): PlanMark | undefined => {
  const oldest = oldestUncovered(captured);
  return marks?.findLast(({ xid }) => BigInt(xid) <= oldest);
};

const mostMarks = 100;
/** A mark that lists more would make the state large. */
const mostListedInMark = 50;

export function makeMark(
  moment: SourceMoment,
  {
    xmax,
    captured,
    plannedAt,
    position,
  }: { xmax: string; captured: CapturedXids; plannedAt: string; position: WalPosition },
): PlanMark {
  const { at, lsn } = moment;
  const end = position.insertLsn ?? position.replayLsn;
  const isKept = end !== null && captured.inProgress.length <= mostListedInMark;
  return {
    xid: String(widenNext(moment, xmax)),
    at,
    ...(lsn !== null && { lsn }),
    ...(isKept && { found: { captured, plannedAt, end } }),
  };
}

/**
 * Adds the mark of this plan, and drops those that no base of the next state goes back to.
 *
 * @param bases the captured xids that later plans may begin at
 */
export function keepMarks(
  known: readonly PlanMark[],
  mark: PlanMark,
  bases: readonly CapturedXids[],
): PlanMark[] {
  const all = [...known, mark];
  const wanted = bases.flatMap((captured) => findMark(all, captured) ?? []);
  const first = all.findIndex((each) => wanted.includes(each));
  const kept = first < 0 ? [mark] : all.slice(first);
  if (kept.length <= mostMarks) return kept;
  // Of the older ones every other goes: a longer way back is right, and only reads more.
  return kept.filter((each, index) => index % 2 === 0 || index > kept.length / 2 || wanted.includes(each));
}
