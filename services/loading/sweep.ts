import type pg from 'pg';
import { toPipelineError } from '../../shared/classify-error.ts';
import { formatObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { Database } from '../../shared/postgres/database.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { listTables } from '../../shared/sweep/list-tables.ts';
import { type SweepDeps, type SweepResult, sweepZone, sweptSince } from '../../shared/sweep/sweep-zone.ts';
import { selectLoadedKeys } from './sql/ledger.ts';

export interface ProcessedSweepDeps extends SweepDeps {
  processed: Pick<ObjectStore, 'bucket' | 'list'>;
  /** The warehouse, with all of its tables. */
  database: Pick<Database, 'withClient'>;
  model: StarSchema;
}

/** Keys in one statement. */
const batchKeys = 10_000;

/**
 * Sends again what is processed and has no row in the ledger.
 *
 * @throws {TransientError} S3, SQS or the warehouse does not answer
 */
export async function sweepProcessed(deps: ProcessedSweepDeps): Promise<SweepResult> {
  const { processed, database, model } = deps;
  try {
    const objects = await listTables(
      processed,
      model.tables.map(({ name }) => name),
      sweptSince(deps.now()),
    );
    const keys = objects.map(({ key }) => key);
    const loadedKeys = await database.withClient((client) => readLoadedKeys(client, keys));
    return await sweepZone(
      { bucket: processed.bucket, objects, isFollowed: (key) => loadedKeys.has(formatObjectKey(key)) },
      deps,
    );
  } catch (error) {
    throw toPipelineError(error);
  }
}

async function readLoadedKeys(client: pg.ClientBase, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const loaded = new Set<string>();
  for (let start = 0; start < keys.length; start += batchKeys) {
    for (const key of await selectLoadedKeys(client, keys.slice(start, start + batchKeys))) loaded.add(key);
  }
  return loaded;
}
