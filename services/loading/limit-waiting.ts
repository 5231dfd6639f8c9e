import type pg from 'pg';
import { tableLock } from '../../shared/ledger/schema/ledger-schema.ts';

export interface TablesToLock {
  /** By their quoted names. */
  written?: readonly string[];
  read?: readonly string[];
  /** The locks of all warehouse tables that are written to, by the tables' names: see tableLock. */
  held?: { tables: readonly string[]; as: 'writer' | 'census' };
}

/**
 * Limits how long a load waits, within its function's 300 s: what takes longer fails as transient and is retried. A
 * function that was frozen in the middle of a transaction keeps no lock for long. No statement waits for a compiler: a load
 * has many that a server may take for costly, and each runs once.
 *
 * The tables' own locks come first, before anything is looked at: a load and a census that did not wait for each other would
 * not see each other's rows. All of them are taken in one order.
 *
 * @param tables are locked as the load's own statements will, and are waited for only shortly: somebody may hold one for
 * hours, and loads of other tables need this one's place. Rows and advisory locks are other loads', which soon end.
 */
export async function limitWaiting(
  client: pg.ClientBase,
  { held, written = [], read = [] }: TablesToLock = {},
): Promise<void> {
  await client.query(`
    set local statement_timeout = '240s';
    set local idle_in_transaction_session_timeout = '60s';
    set local jit = off;
    set local lock_timeout = '60s';
    ${held === undefined ? '' : holdTables(held)}
    set local lock_timeout = '${tableLockTimeout}';
    ${lockTables(written, 'row exclusive')}
    ${lockTables(read, 'access share')}
    set local lock_timeout = '60s'`);
}

/** How long any statement of a load waits for a table that somebody else holds. */
export const tableLockTimeout = '1s';

function holdTables({ tables, as }: { tables: readonly string[]; as: 'writer' | 'census' }): string {
  const locks = tables.map(tableLock).toSorted(([, a], [, b]) => a - b);
  const lock = as === 'writer' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  return locks.map((keys) => `select ${lock}(${keys.join(', ')});`).join('\n    ');
}

const lockTables = (tables: readonly string[], mode: string): string =>
  tables.length === 0 ? '' : `lock table ${tables.join(', ')} in ${mode} mode;`;
