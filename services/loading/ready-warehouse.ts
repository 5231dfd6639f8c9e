import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { Database } from '../../shared/postgres/database.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import {
  type EnsureOptions,
  prepareWarehouse,
  type RefusedTables,
} from '../../shared/warehouse/ensure-warehouse.ts';
import { forwardResyncs } from '../../shared/warehouse/resync.ts';

const none: RefusedTables = new Map();

export interface ReadyOptions extends Omit<EnsureOptions, 'deferKeys'> {
  /** Receives the resync requests that the warehouse has noted. */
  ingested: Pick<ObjectStore, 'create'>;
}

/**
 * Makes a function that ensures that the warehouse has its tables. It does so once per process and database, and
 * repeats it until no table is refused.
 *
 * @returns of the function: the tables that differ from the model, each with the error
 * @throws {TerminalError} of the function: one of the pipeline's own tables was altered, or a newer version made it
 */
export function makeReadyWarehouse(model: StarSchema, { ingested, ...options }: ReadyOptions) {
  const ready = new Set<string>();
  return (database: Pick<Database, 'withClient'>): Promise<RefusedTables> =>
    database.withClient(async (client) => {
      const { host, port, database: name } = client;
      const target = `${host}:${port}/${name}`;
      if (ready.has(target)) return none;
      const refused = await prepareWarehouse(client, model, { ...options, deferKeys: true });
      await forwardResyncs(client, ingested);
      if (refused.size === 0) ready.add(target);
      return refused;
    });
}
