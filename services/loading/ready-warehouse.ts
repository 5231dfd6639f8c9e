import type { Database } from '../../shared/postgres/database.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import {
  type EnsureOptions,
  prepareWarehouse,
  type RefusedTables,
} from '../../shared/warehouse/ensure-warehouse.ts';

const none: RefusedTables = new Map();

/**
 * Makes a function that sees to it that the warehouse has its tables: once in the life of the process for each
 * database that the secret leads to, and until none is refused.
 */
export function makeReadyWarehouse(model: StarSchema, options: Omit<EnsureOptions, 'deferKeys'>) {
  const ready = new Set<string>();
  return (database: Pick<Database, 'withClient'>): Promise<RefusedTables> =>
    database.withClient(async (client) => {
      const { host, port, database: name } = client;
      const target = `${host}:${port}/${name}`;
      if (ready.has(target)) return none;
      const refused = await prepareWarehouse(client, model, { ...options, deferKeys: true });
      if (refused.size === 0) ready.add(target);
      return refused;
    });
}
