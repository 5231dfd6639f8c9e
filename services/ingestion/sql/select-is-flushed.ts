import { quoteLiteral } from '../../../shared/postgres/identifier.ts';
import type { Statements } from './plan-statements.ts';

/** Whether the log up to this LSN would survive a crash. On a primary only. */
export async function selectIsFlushed(source: Statements, lsn: string): Promise<boolean> {
  const { rows } = await source.query<{ flushed: boolean }>(
    `
    select pg_current_wal_flush_lsn() >= ${quoteLiteral(lsn)}::pg_lsn as flushed`,
  );
  return rows[0]?.flushed === true;
}
