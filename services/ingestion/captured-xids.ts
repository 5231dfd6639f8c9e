import type { CapturedXids } from './capture-state.ts';
import type { Statements } from './sql/plan-statements.ts';
import { selectInProgress, type XidCandidates } from './sql/select-in-progress.ts';
import { type SourceSnapshot, selectSnapshot } from './sql/select-snapshot.ts';

/** More in progress than this, and every row since the oldest of them counts as new. */
const maxListed = 1_000;
/** More xids than this are not asked for one by one (a few seconds). */
const maxCandidates = 2_000_000n;

/**
 * Finds which xids the extracts of this plan are sure to see, for the next plan to begin there.
 *
 * Claim: an xid below the base and not in the list had finished when this returns.
 * - Below the base and asked for: it was not in progress.
 * - Below the base and not asked for: either it lies below the snapshot's xmin, and then it had finished before
 *   the snapshot, on a standby too, whose snapshots begin at the oldest xid that the primary has in progress (a
 *   subtransaction has a higher xid than its parent); or it lies below the previous base and was not in the
 *   previous list, and had finished at the previous plan.
 *
 * So an extract, whose snapshot is taken later, shows what it wrote; and its rows are new to that extract: either
 * it lies at or above the previous base, or the previous list has it, or an earlier plan's extract has had it.
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

/** @returns undefined where there are too many to ask for */
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

/** Without a list the base is the snapshot's xmin: below it everything had finished. */
export function chooseCaptured(
  { xmin, xmax }: Pick<SourceSnapshot, 'xmin' | 'xmax'>,
  inProgress: readonly string[] | undefined,
): CapturedXids {
  if (inProgress === undefined || inProgress.length > maxListed) return { base: xmin, inProgress: [] };
  return { base: xmax, inProgress: [...inProgress] };
}

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b);
