import type { RecordBatch } from 'apache-arrow';
import type pg from 'pg';
import { copyIn } from '../../shared/postgres/copy-in.ts';
import { isUniqueViolation } from '../../shared/postgres/sqlstate.ts';
import { areDistinct } from './column-values.ts';
import { encodeCopyRows } from './copy-binary/encode-rows.ts';
import { makeDoubledKeyError } from './doubled-key.ts';
import type { LoadTarget } from './load-target.ts';
import { createStaging, removeDoubles } from './sql/staging.ts';

/** An object's rows, and the id that the ledger has given to it. */
export interface ObjectRows {
  batches: readonly RecordBatch[];
  /** Decimal digits. */
  objectId: string;
}

/**
 * Copies the rows straight into their table, the cheapest way there is: right where every key in it is new.
 *
 * @returns false where some key was there; then nothing has happened
 */
export async function copyNewRows(
  client: pg.PoolClient,
  target: LoadTarget,
  rows: ObjectRows,
): Promise<boolean> {
  await client.query('savepoint straight');
  try {
    await copyRows(client, target, target.table, rows);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    await client.query('rollback to savepoint straight');
    return false;
  }
  await client.query('release savepoint straight');
  return true;
}

/**
 * Copies the rows straight into a table that has no keys.
 *
 * @returns false where two of them may share a key; then nothing has happened
 */
export async function copyDistinctRows(
  client: pg.PoolClient,
  target: LoadTarget,
  rows: ObjectRows,
): Promise<boolean> {
  const key = target.key.map((column) => target.columns.indexOf(column));
  if (!areDistinct(rows.batches, key)) return false;
  await copyRows(client, target, target.table, rows);
  return true;
}

/**
 * Copies the rows into a new temporary table, each key once.
 *
 * @throws {TerminalError} the object has a key twice with different values
 */
export async function stageRows(
  client: pg.PoolClient,
  target: LoadTarget,
  staging: string,
  rows: ObjectRows,
): Promise<void> {
  await createStaging(client, target, staging);
  await copyRows(client, target, staging, rows);
  const doubled = await removeDoubles(client, target, staging);
  if (doubled !== undefined) throw makeDoubledKeyError(target, doubled);
}

async function copyRows(
  client: pg.PoolClient,
  { columns }: LoadTarget,
  table: string,
  { batches, objectId }: ObjectRows,
): Promise<void> {
  const sql = `copy ${table} (${columns.join(', ')}) from stdin (format binary)`;
  await copyIn(client, sql, encodeCopyRows(batches, objectId));
}
