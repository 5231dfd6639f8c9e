import type { Statements } from './sql/plan-statements.ts';

/**
 * Has the versions of all extracts that are planned from here on be greater than those of all before. On an idle source
 * a full extract otherwise has the version of the extract before it, and the load ignores rows of an equal version.
 *
 * It is called before the snapshot that the extracts are bound to, in a transaction of its own. A transaction with an
 * xid and without a write needs no right, and goes where transactions are read-only.
 *
 * @returns false on a standby, which gives out no xids: there only a new generation does it
 */
export async function makeVersionsNewer(source: Statements): Promise<boolean> {
  const { rows } = await source.query<{ xid: string | null }>(`
    select case when not pg_is_in_recovery() then pg_current_xact_id()::text end as xid`);
  return (rows[0]?.xid ?? null) !== null;
}
