import { formatObjectKey, formatRunId } from '../object-store/object-key.ts';
import type { ListedObject, ObjectStore } from '../object-store/object-store.ts';
import { formatSliceId } from '../records/slices.ts';

/**
 * Lists the tables' objects of a zone whose runs began on a day or later (UTC); all of them without a day.
 *
 * Keys sort by table and day, so a table's listing starts at the day, and costs what lies after it.
 */
export async function listTables(
  store: Pick<ObjectStore, 'list'>,
  tables: readonly string[],
  since?: Date,
): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for (const table of tables) {
    const day = dayFolder(table, since ?? new Date(0));
    const tableFolder = day.slice(0, day.indexOf('/') + 1);
    for await (const object of store.list(tableFolder, since === undefined ? undefined : day)) {
      objects.push(object);
    }
  }
  return objects;
}

function dayFolder(table: string, day: Date): string {
  const run = formatRunId(day, '0000');
  const key = formatObjectKey({ zone: 'ingested', table, run, slice: formatSliceId(0) });
  return key.slice(0, key.lastIndexOf('/') + 1);
}
