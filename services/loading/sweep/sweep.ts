import type pg from 'pg';
import { toPipelineError } from '../../../shared/classify-error.ts';
import {
  checkContinuity,
  describeGap,
  type LedgerGap,
  rememberLedger,
} from '../../../shared/ledger/continuity.ts';
import { ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../../shared/model/model.ts';
import { formatObjectKey, type ObjectKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { makeResyncRequest, putResyncRequest } from '../../../shared/records/plan/resync-request.ts';
import { listTables } from '../../../shared/sweep/find-lost.ts';
import { type SweepDeps, type SweepResult, sweepZone, sweptSince } from '../../../shared/sweep/sweep-zone.ts';

export interface ProcessedSweepDeps extends SweepDeps {
  processed: Pick<ObjectStore, 'bucket' | 'list'>;
  ingested: Pick<ObjectStore, 'get' | 'list' | 'create' | 'replace' | 'delete'>;
  /** The warehouse, with all of its tables. */
  database: Pick<Database, 'withClient'>;
  model: Model;
}

/** Keys in one statement. */
const batchKeys = 10_000;

export interface ProcessedSweepResult extends SweepResult {
  /** What the ledger has lost; undefined if nothing. */
  gap: LedgerGap | undefined;
}

/**
 * Sends the event again of each processed object that the ledger lacks. If the ledger has gone back, the sweep checks
 * every processed object, and requests a resync, because S3 may no longer have the newest object of a row.
 *
 * @throws {TransientError} S3, SQS or the warehouse does not answer
 */
export async function sweepProcessed(deps: ProcessedSweepDeps): Promise<ProcessedSweepResult> {
  const { processed, ingested, database, model } = deps;
  try {
    const continuity = await database.withClient((client) => checkContinuity(client, ingested));
    const { gap } = continuity;
    const objects = await listTables(
      processed,
      model.tables.map(({ name }) => name),
      gap === undefined ? sweptSince(deps.now()) : undefined,
    );
    const keys = objects.map(({ key }) => key);
    const loadedKeys = await database.withClient((client) => selectLoadedKeys(client, keys));
    const isFollowed = (key: ObjectKey) => loadedKeys.has(formatObjectKey(key));
    const result = await sweepZone(
      {
        bucket: processed.bucket,
        objects,
        isFollowed,
        ignoresQueued: gap !== undefined,
        notes: ingested,
        queue: 'load',
      },
      deps,
    );
    if (!result.isBlind) {
      if (gap !== undefined)
        await putResyncRequest(ingested, makeResyncRequest(describeGap(gap), deps.now()));
      await database.withClient((client) => rememberLedger(client, ingested, continuity, model));
    }
    return { ...result, gap };
  } catch (error) {
    throw toPipelineError(error);
  }
}

async function selectLoadedKeys(
  client: pg.ClientBase,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const loaded = new Set<string>();
  for (let start = 0; start < keys.length; start += batchKeys) {
    const { rows } = await client.query<{ key: string }>(
      `select key from ${ledgerTable} where key = any($1)`,
      [keys.slice(start, start + batchKeys)],
    );
    for (const { key } of rows) loaded.add(key);
  }
  return loaded;
}
