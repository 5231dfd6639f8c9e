import type { ObjectVersion } from '../../../shared/object-store/object-metadata.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import type { Aurora } from './log.ts';
import type { Statements } from './statements.ts';

/** One MVCC snapshot of the source. Xids are decimal digits of an xid8. */
export interface SourceSnapshot {
  /** Every xid from here on was not yet finished. */
  xmax: string;
  /** Every xid below was finished. */
  xmin: string;
  /** Top-level transactions in progress; on a standby 0, because its snapshots do not list them. */
  inProgressCount: number;
  /** By the server's clock, ISO 8601. */
  takenAt: string;
}

/** The snapshot of this statement; as the first query of a repeatable read transaction, the transaction's. */
export async function selectSnapshot(source: Statements): Promise<SourceSnapshot> {
  const { rows } = await source.query<SourceSnapshot>(`
    select pg_snapshot_xmax(snapshot)::text as xmax,
           pg_snapshot_xmin(snapshot)::text as xmin,
           (select count(*)::int4 from pg_snapshot_xip(snapshot)) as "inProgressCount",
           to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "takenAt"
      from pg_current_snapshot() as snapshot`);
  return rows[0] as SourceSnapshot;
}

export interface WalPosition {
  /** On a primary: what is visible now was logged before here. */
  insertLsn: string | null;
  /** On a standby: what was logged before here is visible now. */
  replayLsn: string | null;
}

/**
 * The position of the log now; on a standby, what is replayed of it.
 *
 * @param aurora of a source that tells neither
 */
export async function selectWalPosition(
  source: Statements,
  aurora: Aurora | undefined,
): Promise<WalPosition> {
  if (aurora !== undefined) return { insertLsn: null, replayLsn: null };
  const { rows } = await source.query<WalPosition>(`
    select case when not pg_is_in_recovery() then pg_current_wal_insert_lsn()::text end as "insertLsn",
           case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end as "replayLsn"`);
  return rows[0] ?? { insertLsn: null, replayLsn: null };
}

/** A moment of the source, before which no xid from `xid` on had been given out. */
export interface SourceMoment {
  /** The lower 32 bits of the next xid. */
  next: string;
  /** On a standby, what is replayed. What an xid from the next one on writes is logged after it. */
  lsn: string | null;
  /** By the server's clock, ISO 8601. */
  at: string;
}

/**
 * The clock and the position of the log first, and then the next xid: what gets that or a greater one writes later than both. A
 * snapshot's xmax is no such xid: a running transaction that has the greatest of all is not below it.
 */
export async function selectMoment(source: Statements, aurora: Aurora | undefined): Promise<SourceMoment> {
  const lsn =
    aurora === undefined
      ? 'case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end'
      : 'null';
  const { rows } = await source.query<SourceMoment>(`
    with position as materialized (select (${lsn})::text as lsn)
    select (age('3'::xid)::int8 + 3)::text as next, position.lsn,
           to_char(statement_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
      from position`);
  return rows[0] as SourceMoment;
}

/** The next xid of a moment in 64 bits, by a snapshot that was taken soon after it. */
export function widenNext({ next }: SourceMoment, xmax: string): bigint {
  const behind = BigInt.asIntN(32, BigInt(next) - BigInt(xmax));
  return BigInt(xmax) + behind;
}

/**
 * Whether an extract's snapshot shows all that had finished when its run was planned. On one server it always does;
 * a replica may lag behind the server that the plan asked.
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
 * replay LSN, read before the snapshot: read after it, it could lie beyond a commit that the snapshot does not
 * show. Read before, it may be too low for a commit that has just been replayed, and that does no harm: the rows
 * of that commit are new to the next plan, whose extracts begin after it.
 */
export function makeVersion(
  generation: string,
  { xmax, xmin, inProgressCount }: Omit<SourceSnapshot, 'takenAt'>,
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
