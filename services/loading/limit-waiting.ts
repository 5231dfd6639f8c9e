import type pg from 'pg';
import { liftTransactionTimeout } from '../../shared/postgres/transaction.ts';

/**
 * Limits how long a load waits, within its function's 300 s: what takes longer fails as transient and is retried. A
 * function that was frozen in the middle of a transaction keeps no lock for long.
 */
export async function limitWaiting(client: pg.ClientBase): Promise<void> {
  await client.query(`
    set local lock_timeout = '60s';
    set local statement_timeout = '240s';
    set local idle_in_transaction_session_timeout = '60s';
    ${liftTransactionTimeout}`);
}
