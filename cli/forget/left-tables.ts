import { assembleModel, type Dimension, type Fact, type Model } from '../../shared/model/model.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { readPublishedDefinitions } from '../../shared/records/published-model.ts';

/**
 * The tables of earlier models that the one in force does not have, such as one that has another name now. Their objects stay in
 * the processed zone, and a table that has left the model stays in the warehouse.
 */
export async function readLeftTables(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  inForce: Pick<Model, 'tables'>,
): Promise<(Dimension | Fact)[]> {
  const known = new Set(inForce.tables.map(({ name }) => name));
  const left = new Map<string, Dimension | Fact>();
  for await (const definition of readPublishedDefinitions(ingested)) {
    for (const table of assembleModel(definition).tables)
      if (table.kind !== 'calendar' && !known.has(table.name)) left.set(table.name, table);
  }
  return [...left.values()];
}
