import type pg from 'pg';
import type { ObjectStore } from '../object-store/object-store.ts';
import { putResyncRequest } from '../records/plan/resync-request.ts';
import { resyncTable } from './schema/ledger-schema.ts';

/**
 * Notes in the warehouse that the source has to be read in full again, in the transaction that found it out. That may
 * be a load's, and a load cannot start a plan.
 */
export async function requestResync(client: pg.ClientBase, reason: string): Promise<void> {
  await client.query(`insert into ${resyncTable} (reason) values ($1)`, [reason]);
}

/**
 * Puts the requests noted in the warehouse into the ingested bucket, where the next plan takes them. A request that is
 * put twice costs one more full extract.
 *
 * @returns how many there were
 */
export async function forwardResyncs(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'create'>,
): Promise<number> {
  const { rows } = await client.query<{ id: string; reason: string; requestedAt: Date }>(
    `select id::text, reason, requested_at as "requestedAt" from ${resyncTable} where forwarded_at is null`,
  );
  for (const { id, reason, requestedAt } of rows) {
    await putResyncRequest(ingested, { id, reason, requestedAt: requestedAt.toISOString() });
    await client.query(`update ${resyncTable} set forwarded_at = clock_timestamp() where id = $1`, [id]);
  }
  return rows.length;
}
