import type pg from 'pg';

/** Whether the log up to this LSN would survive a crash. On a primary only. */
export async function selectIsFlushed(client: pg.ClientBase, lsn: string): Promise<boolean> {
  const { rows } = await client.query<{ flushed: boolean }>(
    `
    select pg_current_wal_flush_lsn() >= $1::pg_lsn as flushed`,
    [lsn],
  );
  return rows[0]?.flushed === true;
}
