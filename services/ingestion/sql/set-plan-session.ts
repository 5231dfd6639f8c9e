import type pg from 'pg';

/** For the session, not a transaction: each statement of a plan is one of its own (see newRowsCondition). */
export async function setPlanSession(client: pg.ClientBase): Promise<void> {
  await client.query(`
    set statement_timeout = '120s';
    set lock_timeout = '2s';
    set row_security = off`);
}
