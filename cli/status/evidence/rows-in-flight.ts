import type pg from 'pg';
import { mapInGroups } from '../../../shared/in-groups.ts';
import { ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  formatDayFolder,
  formatRunId,
  formatTableFolder,
  type ObjectKey,
  parseObjectKey,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { Site } from '../../site/site.ts';

/** How long a message stays on a main queue, in days: older work is on no queue any more. */
const queueDays = 4;
const concurrentReads = 16;

/**
 * Rows that are extracted and not loaded yet, by warehouse table: of ingested objects of which the warehouse has no
 * revision, and of revisions that are transformed and not loaded.
 *
 * @param deadKeys keys of dead-lettered objects, which are on no queue
 */
export async function countRowsInFlight(
  site: Pick<Site, 'ingested' | 'processed'>,
  warehouse: pg.ClientBase,
  model: Model,
  { deadKeys, now }: { deadKeys: ReadonlySet<string>; now: Date },
): Promise<ReadonlyMap<string, number>> {
  const since = new Date(now.getTime() - queueDays * 86_400_000);
  const loaded = await readLoaded(warehouse, formatRunId(since, '').slice(0, 8));
  const counts = new Map<string, number>();
  const add = (table: string, rows: number) => counts.set(table, (counts.get(table) ?? 0) + rows);
  for (const { name, feeds } of model.sources) {
    const objects = (await listObjects(site.ingested, name, since)).filter(({ text }) => !deadKeys.has(text));
    const missing = objects.flatMap(({ text, key }) =>
      feeds.filter((table) => !loaded.slices.has(sliceId(table, key))).map((table) => ({ text, table })),
    );
    for (const { table, rows } of await readRows(site.ingested, missing)) add(table, rows);
  }
  for (const { name } of model.tables) {
    const objects = await listObjects(site.processed, name, since);
    const missing = objects.filter(
      ({ text, key }) =>
        !deadKeys.has(text) && !loaded.keys.has(text) && loaded.slices.has(sliceId(name, key)),
    );
    const again = missing.map(({ text }) => ({ text, table: name }));
    for (const { table, rows } of await readRows(site.processed, again)) add(table, rows);
  }
  return counts;
}

const sliceId = (table: string, { run, slice }: Pick<ObjectKey, 'run' | 'slice'>): string =>
  `${table} ${run}-${slice}`;

async function readLoaded(warehouse: pg.ClientBase, since: string) {
  const { rows } = await warehouse.query<{ key: string; table: string; run: string; slice: string }>(
    `select key, warehouse_table as table, run, slice from ${ledgerTable} where run >= $1`,
    [since],
  );
  return {
    keys: new Set(rows.map(({ key }) => key)),
    slices: new Set(rows.map((row) => sliceId(row.table, row))),
  };
}

/** Of the runs of that day (UTC) and later: after a clock was set back, ids are ahead of it. */
async function listObjects(store: Pick<ObjectStore, 'list'>, table: string, since: Date) {
  const found: { text: string; key: ObjectKey }[] = [];
  for await (const { key: text } of store.list(formatTableFolder(table), formatDayFolder(table, since)))
    found.push({ text, key: parseObjectKey(text) });
  return found;
}

async function readRows(
  store: Pick<ObjectStore, 'head'>,
  objects: readonly { text: string; table: string }[],
): Promise<{ table: string; rows: number }[]> {
  return mapInGroups(objects, concurrentReads, async ({ text, table }) => {
    const rows = Number((await store.head(text))?.metadata.rows ?? 0);
    return { table, rows: Number.isFinite(rows) ? rows : 0 };
  });
}
