import type { Database } from '../../shared/postgres/database.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { type EnsureOptions, ensureWarehouse } from '../../shared/warehouse/ensure-warehouse.ts';

/**
 * Makes a function that sees to it that the warehouse has its tables: once in the life of the process for each
 * database that the secret leads to.
 */
export function makeReadyWarehouse(model: StarSchema, options: EnsureOptions) {
  const ready = new Set<string>();
  return (database: Pick<Database, 'withClient'>): Promise<void> =>
    database.withClient(async (client) => {
      const { host, port, database: name } = client;
      const target = `${host}:${port}/${name}`;
      if (ready.has(target)) return;
      await ensureWarehouse(client, model, options);
      ready.add(target);
    });
}
