import type { Statements } from './plan-statements.ts';

export interface WalPosition {
  /** On a primary: what is visible now was logged before here. */
  insertLsn: string | null;
  /** On a standby: what was logged before here is visible now. */
  replayLsn: string | null;
}

export async function selectWalPosition(source: Statements): Promise<WalPosition> {
  const { rows } = await source.query<WalPosition>(`
    select case when not pg_is_in_recovery() then pg_current_wal_insert_lsn()::text end as "insertLsn",
           case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end as "replayLsn"`);
  return rows[0] ?? { insertLsn: null, replayLsn: null };
}
