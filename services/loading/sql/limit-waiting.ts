import type pg from 'pg';
import { liftTransactionTimeout } from '../../../shared/postgres/transaction.ts';

/**
 * Limits what a load waits for, within its function's 300 s: what lasts longer fails as transient and is tried
 * again. A function that was frozen in the middle of a transaction keeps no lock for long.
 */
export async function limitWaiting(client: pg.ClientBase): Promise<void> {
  await client.query(`
    set local lock_timeout = '60s';
    set local statement_timeout = '240s';
    set local idle_in_transaction_session_timeout = '60s';
    ${liftTransactionTimeout}`);
}
