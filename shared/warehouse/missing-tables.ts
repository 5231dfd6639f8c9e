import type pg from 'pg';
import type { Model } from '../model/model.ts';
import { quoteQualified } from '../postgres/identifier.ts';

/** @returns those of the relations, by their quoted names, that the database does not have */
export async function selectMissing(client: pg.ClientBase, names: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'select name from unnest($1::text[]) name where to_regclass(name) is null',
    [names],
  );
  return rows.map(({ name }) => name);
}

/** The model's tables that the warehouse does not have: all of them before the first run, and any that were dropped. */
export async function listMissingTables(
  warehouse: pg.ClientBase,
  { tables }: Model,
  schema: string,
): Promise<string[]> {
  const names = tables.map(({ name }) => name);
  const missing = await selectMissing(
    warehouse,
    names.map((name) => quoteQualified(schema, name)),
  );
  return names.filter((name) => missing.includes(quoteQualified(schema, name)));
}
