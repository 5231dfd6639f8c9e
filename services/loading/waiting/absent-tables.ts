import type pg from 'pg';
import type { Model } from '../../../shared/model/model.ts';
import type { Warehouse } from '../rows/put-rows.ts';

/** @returns the model's tables that are not in the warehouse: somebody has dropped them, and a rebuild makes them again */
export async function findAbsentTables(
  client: pg.ClientBase,
  { tables }: Model,
  schema: string,
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select wanted.name from unnest($1::text[]) as wanted (name)
      where to_regclass(quote_ident($2) || '.' || quote_ident(wanted.name)) is null`,
    [tables.map(({ name }) => name), schema],
  );
  return new Set(rows.map(({ name }) => name));
}

/**
 * The same warehouse, with the tables that are absent now. A table that was made again while this transaction waited for
 * a lock may have its rows by then, and nobody would release what is parked for want of them.
 */
export async function lookAgain(warehouse: Warehouse): Promise<Warehouse> {
  if (warehouse.absent.size === 0) return warehouse;
  const { client, model, schema } = warehouse;
  return { ...warehouse, absent: await findAbsentTables(client, model, schema) };
}
