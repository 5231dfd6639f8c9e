import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { liftTransactionTimeout } from '../../../shared/postgres/transaction.ts';
import { extractSessionSettings } from '../transcode/session-settings.ts';

export interface ExtractLimits {
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/**
 * Opens the extract's transaction and locks its tables, before the first query takes the snapshot: a table that
 * an ALTER rewrites in between would show no rows at all.
 *
 * With row_security off Postgres refuses a table whose policies would hide rows, where it would leave them out.
 */
export async function beginExtract(
  client: pg.ClientBase,
  schema: string,
  tables: readonly string[],
  { statementTimeoutMs, lockTimeoutMs }: ExtractLimits,
): Promise<void> {
  const settings = {
    ...extractSessionSettings,
    row_security: 'off',
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(lockTimeoutMs),
    idle_in_transaction_session_timeout: String(statementTimeoutMs),
  };
  const setLocals = Object.entries(settings).map(
    ([name, value]) => `set local ${quoteIdentifier(name)} = '${value}';`,
  );
  await client.query(`
    begin isolation level repeatable read, read only;
    ${setLocals.join('\n    ')}
    lock table ${tables.map((table) => quoteQualified(schema, table)).join(', ')} in access share mode;
    ${liftTransactionTimeout}`);
}
