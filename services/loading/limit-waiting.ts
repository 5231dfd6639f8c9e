import type pg from 'pg';
import { liftTransactionTimeout } from '../../shared/postgres/transaction.ts';

/**
 * Limits how long a load waits, within its function's 300 s: a load that takes longer fails as transient and is
 * retried. A function that is frozen within a transaction cannot keep its locks for long.
 */
export async function limitWaiting(client: pg.ClientBase): Promise<void> {
  await client.query(`
    set local lock_timeout = '60s';
    set local statement_timeout = '240s';
    set local idle_in_transaction_session_timeout = '60s';
    ${liftTransactionTimeout}`);
}
