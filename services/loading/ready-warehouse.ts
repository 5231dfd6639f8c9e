import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { assertBoundToStage, readBinding } from '../../shared/ledger/binding.ts';
import { forwardResyncs } from '../../shared/ledger/resync.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { Database } from '../../shared/postgres/database.ts';
import { type PublishedModel, type ReadModel, readDefinition } from '../../shared/records/published-model.ts';
import { adoptModel, LaterModelError, noteModel } from '../../shared/warehouse/adopt-model.ts';
import { keepCurrentViews } from '../../shared/warehouse/current/keep-current-views.ts';
import {
  type EnsureOptions,
  prepareWarehouse,
  type RefusedTables,
} from '../../shared/warehouse/ensure-warehouse.ts';

const none: RefusedTables = new Map();

export interface ReadyOptions extends Omit<EnsureOptions, 'deferKeys'> {
  /** Has the published models, and receives the resync requests that the warehouse has noted. */
  ingested: Pick<ObjectStore, 'bucket' | 'get' | 'create'>;
  readModel: ReadModel;
  stage: string;
  /** For how long a binding that was seen counts: another stage may take the warehouse over. 60 s. */
  boundForMs?: number;
}

/** A warehouse whose tables are those of the model in force. */
export interface ReadyWarehouse extends PublishedModel {
  /** The tables that differ from the model, each with the error. */
  refused: RefusedTables;
  /** The greatest number that was looked for; `number` is less where numbers have begun anew. */
  looked: number;
}

/**
 * Makes a function that ensures that the warehouse has the tables of the model in force. It does so once per process,
 * database and model, and repeats it until no table is refused.
 *
 * @throws {RefusedError} of the function: the warehouse is loaded by another stage or a data folder; no model is published
 * @throws {TerminalError} of the function: one of the pipeline's own tables was altered, or a newer version made it
 */
export function makeReadyWarehouse({ readModel, boundForMs = 60_000, ...options }: ReadyOptions) {
  const { ingested, stage, schema } = options;
  const ready = new Map<string, PublishedModel>();
  const boundUntil = new Map<string, number>();
  const binding = { stage, ingestedBucket: ingested.bucket, schema, newId: randomUUID };

  const prepare = async (
    client: pg.PoolClient,
    published: PublishedModel,
    looked: number,
  ): Promise<RefusedTables> => {
    const { host, port, database: name } = client;
    const target = `${host}:${port}/${name}`;
    const known = ready.get(target);
    // A greater number was looked for where the warehouse has it: it may be ahead of the publication.
    const isReady =
      known?.model === published.model && known.number === published.number && looked <= published.number;
    const isBound = (boundUntil.get(target) ?? 0) > performance.now();
    if (isBound && isReady) return none;
    // First: in a warehouse that is another's nothing may be made.
    if ((await readBinding(client)) !== undefined) await assertBoundToStage(client, binding);
    if (isReady) {
      // Somebody may have dropped one, or may read a table since.
      await keepCurrentViews(client, published.model, schema);
      boundUntil.set(target, performance.now() + boundForMs);
      return none;
    }
    const readOther = (hash: string) => readDefinition(ingested, hash);
    await adoptModel(client, published, { schema, readDefinition: readOther, looked });
    const refused = await prepareWarehouse(client, published.model, { ...options, deferKeys: true });
    await assertBoundToStage(client, binding);
    boundUntil.set(target, performance.now() + boundForMs);
    await forwardResyncs(client, ingested);
    if (refused.size > 0) return refused;
    await noteModel(client, published);
    ready.set(target, published);
    return refused;
  };

  /** @param atLeast the number of a model that is known to have been published */
  return async (
    database: Pick<Database, 'withClient'>,
    atLeast: number | undefined = undefined,
  ): Promise<ReadyWarehouse> => {
    let wanted = atLeast;
    for (;;) {
      const published = await readModel({ atLeast: wanted });
      const looked = Math.max(published.number, wanted ?? 0);
      try {
        const refused = await database.withClient((client) => prepare(client, published, looked));
        return { ...published, refused, looked };
      } catch (error) {
        if (!(error instanceof LaterModelError)) throw error;
        wanted = error.number;
      }
    }
  };
}
