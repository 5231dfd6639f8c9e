import type pg from 'pg';
import { quoteQualified } from '../../shared/postgres/identifier.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { ledgerTable } from '../../shared/warehouse/ledger-schema.ts';

/** Whether anything can have been loaded: the ledger comes with the first run. */
export const hasLedger = async (warehouse: pg.ClientBase): Promise<boolean> =>
  (await selectMissing(warehouse, [ledgerTable])).length === 0;

/** The model's tables that the warehouse does not have: all before the first run, and what somebody has dropped. */
export async function listMissingTables(
  warehouse: pg.ClientBase,
  model: StarSchema,
  schema: string,
): Promise<string[]> {
  const names = model.tables.map(({ name }) => name);
  const missing = await selectMissing(
    warehouse,
    names.map((name) => quoteQualified(schema, name)),
  );
  return names.filter((name) => missing.includes(quoteQualified(schema, name)));
}

/** Whether the ledger and all of the model's tables are there. */
export const isWhole = async (
  warehouse: pg.ClientBase,
  model: StarSchema,
  schema: string,
): Promise<boolean> =>
  (await hasLedger(warehouse)) && (await listMissingTables(warehouse, model, schema)).length === 0;

async function selectMissing(warehouse: pg.ClientBase, names: readonly string[]): Promise<string[]> {
  const { rows } = await warehouse.query<{ name: string }>(
    'select name from unnest($1::text[]) name where to_regclass(name) is null',
    [names],
  );
  return rows.map(({ name }) => name);
}
