import type { ObjectVersion } from '../../shared/object-store/object-version.ts';
import type { ExtractMessage } from '../../shared/queue/extract-message.ts';
import type { SourceSnapshot } from './sql/select-snapshot.ts';

/**
 * Whether an extract's snapshot shows all that had finished when its run was planned. On one server it always does;
 * a replica may lag behind the one that was planned on.
 *
 * @param replayLsn null on a primary
 */
export function isAtOrAfterPlan(
  { xmax }: Pick<SourceSnapshot, 'xmax'>,
  replayLsn: string | null,
  { plannedXmax, plannedLsn }: Pick<ExtractMessage, 'plannedXmax' | 'plannedLsn'>,
): boolean {
  if (BigInt(xmax) < BigInt(plannedXmax)) return false;
  return (
    plannedLsn === undefined || (replayLsn !== null && lsnToNumber(replayLsn) >= lsnToNumber(plannedLsn))
  );
}

/**
 * The version of what a snapshot shows: of two snapshots of one source, the later has the greater.
 *
 * With equal xmax and xmin, a later snapshot differs by transactions between the two that have finished since. On
 * a primary each of these is one fewer in progress. A standby's snapshots do not list them, so there it is the
 * replay LSN, read before the snapshot: read after it, it could lie behind a commit that the snapshot does not
 * show. Read before, it may be too low for a commit that has just been replayed, and that does no harm: the rows
 * of that commit are new to the next plan, whose extracts begin after it.
 */
export function makeVersion(
  generation: string,
  { xmax, xmin, inProgressCount }: SourceSnapshot,
  replayLsn: string | null,
): ObjectVersion {
  const tie = replayLsn === null ? -inProgressCount : lsnToNumber(replayLsn);
  return { generation, xmax, xmin, tie: String(tie) };
}

/** A pg_lsn (`16/B374D848`) as the number of bytes that it is. */
export function lsnToNumber(lsn: string): bigint {
  const [high = '', low = ''] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
