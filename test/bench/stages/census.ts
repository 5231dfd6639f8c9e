import { extractSlice } from '../../../services/ingestion/extract/extract-slice.ts';
import { planRun } from '../../../services/ingestion/plan/plan-run.ts';
import { loadObject } from '../../../services/loading/load/load.ts';
import { transformObject } from '../../../services/transformation/transform/transform.ts';
import { defineDimension, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import {
  ingestedSuffix,
  loadedKey,
  parseObjectKey,
  processedSuffix,
} from '../../../shared/object-store/object-key.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { makePutLayout, makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { withDatabase } from './extract.ts';
import { listKeys, makeFolderStore } from './folder-store.ts';

/** One table of items, each with a number and a note. */
const model = assembleModel({
  name: 'items',
  tables: [
    defineDimension({
      name: 'dim_item',
      source: { table: 'item', key: ['item_id'], columns: { item_id: 'int4', note: 'varchar' } },
      key: ['item_id'],
      columns: { item_id: int('item_id'), note: varchar('note') },
    }),
  ],
});

/** Plans and reads the keys of the table; its rows are left out. */
export async function readCensus(task: Record<string, string>): Promise<void> {
  const { source = '', folder = '' } = task;
  const ingested = makeFolderStore(folder);
  const whole = { version: 1, newest: null, entries: 0, generation: '0', whole: ['item'] };
  await ingested.put(loadedKey, Buffer.from(JSON.stringify(whole)));
  await withDatabase(source, async (database) => {
    const messages: ExtractMessage[] = [];
    const send = async (sent: readonly ExtractMessage[]) => {
      messages.push(...sent.filter(({ census }) => census !== undefined));
    };
    const deps = {
      database,
      ingested,
      putLayout: makePutLayout(ingested),
      send,
      model,
      schema: 'public',
      restart: 'trusted',
    } as const;
    await planRun({ ...deps, now: () => new Date(), censusFloorSeconds: 0 });
    for (let message = messages.shift(); message !== undefined; message = messages.shift())
      await extractSlice(message, deps);
  });
}

export async function transformCensus(task: Record<string, string>): Promise<void> {
  const { from = '', folder = '' } = task;
  const ingested = makeFolderStore(from);
  const deps = {
    ingested,
    readLayout: makeReadLayout(ingested),
    processed: makeFolderStore(folder),
    model,
    notify: async () => {},
    warn: () => {},
  };
  for (const text of listKeys(from).filter((key) => key.endsWith(ingestedSuffix))) {
    const key = parseObjectKey(text);
    if (key.zone === 'ingested') await transformObject(key, deps);
  }
}

/** A warehouse without rows. */
export async function makeItems(task: Record<string, string>): Promise<void> {
  await withDatabase(task.warehouse ?? '', (database) =>
    database.withClient((client) =>
      ensureWarehouse(client, model, { schema: 'public', foreignKeys: 'declared' }),
    ),
  );
}

/** @returns how many rows it has marked */
export async function applyCensus(task: Record<string, string>): Promise<number> {
  const { warehouse = '', folder = '' } = task;
  let marked = 0;
  await withDatabase(warehouse, async (database) => {
    const deps = {
      database,
      processed: makeFolderStore(folder),
      model,
      schema: 'public',
      notify: async () => {},
      // Nothing is held: it is the table's first one.
      readVerdict: async () => 'apply' as const,
    };
    for (const text of listKeys(folder).filter((each) => each.endsWith(processedSuffix))) {
      const key = parseObjectKey(text);
      if (key.zone === 'processed') marked += (await loadObject(key, deps)).census?.marked ?? 0;
    }
  });
  return marked;
}
