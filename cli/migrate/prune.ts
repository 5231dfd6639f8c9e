import type pg from 'pg';
import { parkedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { ModelDefinition } from '../../shared/model/define.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { readPublishedDefinitions } from '../../shared/records/published-model.ts';
import { fedTables } from './steps.ts';

/**
 * Writes the statements that drop what has left the model: tables and columns that a published model had, and that are
 * there still. Nobody else's table or column is among them.
 */
export async function listDrops(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  { schema, inForce }: { schema: string; inForce: ModelDefinition },
): Promise<string[]> {
  const now = new Map(fedTables(inForce).map((table) => [table.name, table]));
  const tables = new Set<string>();
  const columns = new Map<string, Set<string>>();
  for await (const definition of readPublishedDefinitions(ingested)) {
    for (const table of fedTables(definition)) {
      const current = now.get(table.name);
      if (current === undefined) tables.add(table.name);
      const own = table.kind === 'fact' ? [table.surrogateKey ?? []].flat() : [];
      const kept = current?.kind === 'fact' ? [current.surrogateKey ?? []].flat() : [];
      for (const column of [...Object.keys(table.columns), ...own]) {
        if (current === undefined || column in current.columns || kept.includes(column)) continue;
        columns.set(table.name, (columns.get(table.name) ?? new Set()).add(column));
      }
    }
  }
  const drops: string[] = [];
  for (const [table, names] of columns) {
    const { rows } = await client.query<{ name: string }>(
      `select attname as name from pg_attribute
        where attrelid = to_regclass($1) and attname = any ($2::text[]) and not attisdropped order by attnum`,
      [quoteQualified(schema, table), [...names]],
    );
    for (const { name } of rows)
      drops.push(`alter table ${quoteQualified(schema, table)} drop column ${quoteIdentifier(name)};`);
  }
  for (const table of tables) {
    for (const name of [quoteQualified(schema, table), parkedTable(table)]) {
      const { rowCount } = await client.query('select where to_regclass($1) is not null', [name]);
      if (rowCount === 1) drops.push(`drop table ${name};`);
    }
  }
  return drops;
}
