import type pg from 'pg';

/**
 * Ends a transaction that has an xid and has written nothing. It needs no right, changes nothing, and its commit
 * record asks the WAL writer to flush all that was logged before.
 */
export async function assignXid(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_current_xact_id()');
}
