import type pg from 'pg';
import { describeLock, findLockHolder, type LockableTable } from '../../../shared/postgres/lock-holder.ts';

/** What the source says. */
export interface SourceEvidence {
  /** Who holds which table under an exclusive lock, in words; undefined where nobody does. */
  lock: string | undefined;
}

/** @param tables of the source */
export async function readSource(
  source: pg.ClientBase,
  tables: readonly LockableTable[],
): Promise<SourceEvidence> {
  const holder = await findLockHolder(source, tables, 'AccessExclusiveLock');
  return { lock: holder && describeLock(holder) };
}
