import type pg from 'pg';
import type { SourceTable } from '../../shared/model/model.ts';
import { identifyDatabase } from '../database/identify.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** Where the tables of a model would be made. */
export interface WarehousePlace {
  source: pg.Client;
  warehouse: pg.Client;
  /** The schema of the warehouse's tables. */
  schema: string;
}

interface NamedTables {
  sources: readonly Pick<SourceTable, 'schema' | 'table' | 'joins'>[];
  tables: readonly { name: string }[];
}

/**
 * The warehouse tables whose place a table of the source has that the model reads: source and warehouse are one database, or
 * the source is its standby.
 *
 * @returns their names
 */
export async function findOwnTables(
  { sources, tables }: NamedTables,
  place: WarehousePlace,
): Promise<string[]> {
  const { source, warehouse, schema } = place;
  const read = new Set(
    sources.flatMap(({ schema: own = 'public', table, joins }) => [
      `${own}.${table}`,
      ...joins.map((join) => `${join.schema ?? 'public'}.${join.table}`),
    ]),
  );
  const own = tables.map(({ name }) => name).filter((name) => read.has(`${schema}.${name}`));
  if (own.length === 0) return [];
  const [one, other] = await Promise.all([identifyDatabase(source), identifyDatabase(warehouse)]);
  return one === other ? own : [];
}

/** One sentence, with what to change. */
export const describeOwnTable = (table: string, schema: string): string =>
  `${table} would be loaded into the table ${schema}.${table} that it is read from, because source and warehouse are one ` +
  'database: give the warehouse a schema of its own, such as warehouse: { schema: star } in starlift.yml';

/** @throws {UsageError} a table would be loaded into one that is read */
export async function assertNotOwnTables(model: NamedTables, place: WarehousePlace): Promise<void> {
  const own = await findOwnTables(model, place);
  if (own.length > 0)
    throw new UsageError(own.map((table) => describeOwnTable(table, place.schema)).join('\n'));
}
