import type pg from 'pg';
import { liftTransactionTimeout } from '../../shared/postgres/transaction.ts';

/** Tables by their quoted names. */
export interface TablesToLock {
  written?: readonly string[];
  read?: readonly string[];
}

/**
 * Limits how long a load waits, within its function's 300 s: what takes longer fails as transient and is retried. A
 * function that was frozen in the middle of a transaction keeps no lock for long. No statement waits for a compiler: a load
 * has many that a server may take for costly, and each runs once.
 *
 * @param tables are locked as the load's own statements will, and are waited for only shortly: somebody may hold one for
 * hours, and loads of other tables need this one's place. Rows and advisory locks are other loads', which soon end.
 */
export async function limitWaiting(client: pg.ClientBase, tables: TablesToLock = {}): Promise<void> {
  await client.query(`
    set local statement_timeout = '240s';
    set local idle_in_transaction_session_timeout = '60s';
    set local jit = off;
    ${liftTransactionTimeout};
    set local lock_timeout = '${tableLockTimeout}';
    ${lockTables(tables.written ?? [], 'row exclusive')}
    ${lockTables(tables.read ?? [], 'access share')}
    set local lock_timeout = '60s'`);
}

/** How long any statement of a load waits for a table that somebody else holds. */
export const tableLockTimeout = '1s';

const lockTables = (tables: readonly string[], mode: string): string =>
  tables.length === 0 ? '' : `lock table ${tables.join(', ')} in ${mode} mode;`;
