import { randomUUID } from 'node:crypto';
import type { Model } from '../../shared/model/model.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { Database } from '../../shared/postgres/database.ts';
import { assertBoundToStage, readBinding } from '../../shared/warehouse/binding.ts';
import {
  type EnsureOptions,
  prepareWarehouse,
  type RefusedTables,
} from '../../shared/warehouse/ensure-warehouse.ts';
import { forwardResyncs } from '../../shared/warehouse/resync.ts';

const none: RefusedTables = new Map();

export interface ReadyOptions extends Omit<EnsureOptions, 'deferKeys'> {
  /** Receives the resync requests that the warehouse has noted. */
  ingested: Pick<ObjectStore, 'bucket' | 'create'>;
  stage: string;
  /** For how long a binding that was seen counts: another stage may take the warehouse over. 60 s. */
  boundForMs?: number;
}

/**
 * Makes a function that ensures that the warehouse has its tables. It does so once per process, database and model,
 * and repeats it until no table is refused.
 *
 * @returns of the function: the tables that differ from the model, each with the error
 * @throws {RefusedError} of the function: the warehouse is loaded by another stage or a data folder
 * @throws {TerminalError} of the function: one of the pipeline's own tables was altered, or a newer version made it
 */
export function makeReadyWarehouse({ ingested, stage, boundForMs = 60_000, ...options }: ReadyOptions) {
  const ready = new Map<string, Model>();
  const boundUntil = new Map<string, number>();
  const binding = { stage, ingestedBucket: ingested.bucket, schema: options.schema, newId: randomUUID };
  return (database: Pick<Database, 'withClient'>, model: Model): Promise<RefusedTables> =>
    database.withClient(async (client) => {
      const { host, port, database: name } = client;
      const target = `${host}:${port}/${name}`;
      const isBound = (boundUntil.get(target) ?? 0) > performance.now();
      if (isBound && ready.get(target) === model) return none;
      // First: in a warehouse that is another's nothing may be made.
      if ((await readBinding(client)) !== undefined) await assertBoundToStage(client, binding);
      if (ready.get(target) === model) {
        boundUntil.set(target, performance.now() + boundForMs);
        return none;
      }
      const refused = await prepareWarehouse(client, model, { ...options, deferKeys: true });
      await assertBoundToStage(client, binding);
      boundUntil.set(target, performance.now() + boundForMs);
      await forwardResyncs(client, ingested);
      if (refused.size === 0) ready.set(target, model);
      return refused;
    });
}
