import type { Statements } from './plan-statements.ts';

/** One MVCC snapshot of the source. Xids are decimal digits of an xid8. */
export interface SourceSnapshot {
  /** Every xid from here on was not yet finished. */
  xmax: string;
  /** Every xid below was finished. */
  xmin: string;
  /** Top-level transactions in progress; on a standby 0, for its snapshots do not list them. */
  inProgressCount: number;
}

/** The snapshot of this statement; as the first query of a repeatable read transaction, that of all of it. */
export async function selectSnapshot(source: Statements): Promise<SourceSnapshot> {
  const { rows } = await source.query<SourceSnapshot>(`
    select pg_snapshot_xmax(snapshot)::text as xmax,
           pg_snapshot_xmin(snapshot)::text as xmin,
           (select count(*)::int4 from pg_snapshot_xip(snapshot)) as "inProgressCount"
      from pg_current_snapshot() as snapshot`);
  return rows[0] as SourceSnapshot;
}
