import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadObject } from '../../../services/loading/load/load.ts';
import { encodeCopyRows } from '../../../services/loading/rows/encode-rows.ts';
import {
  type ProcessedKey,
  parseObjectKey,
  processedSuffix,
} from '../../../shared/object-store/object-key.ts';
import { readParquet } from '../../../shared/parquet/read-parquet.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { withDatabase } from './extract.ts';
import { listKeys, makeFolderStore } from './folder-store.ts';

/**
 * Loads a folder's processed objects, one after the other, those of facts last.
 *
 * @param task.only `facts`, or `others`: then the warehouse's tables are made first
 */
export async function load(task: Record<string, string>): Promise<void> {
  const { warehouse = '', folder = '', only } = task;
  const processed = makeFolderStore(folder);
  await withDatabase(warehouse, async (database) => {
    if (only === 'others') {
      const options = { schema: 'public', foreignKeys: 'declared' } as const;
      await database.withClient((client) => ensureWarehouse(client, totesys, options));
    }
    const deps = { database, processed, model: totesys, schema: 'public', notify: async () => {} };
    for (const key of processedKeys(folder)) {
      const isFact = totesys.table(key.table).kind === 'fact';
      if (isFact !== (only === 'facts')) continue;
      const { waiting } = await loadObject(key, deps);
      if (waiting > 0) throw new Error(`${waiting} rows of ${key.table} wait`);
    }
  });
}

/** What the load does of a fact's objects before Postgres gets them: reads the Parquet and encodes the COPY. */
export async function encode(task: Record<string, string>): Promise<number> {
  const { folder = '' } = task;
  let bytes = 0;
  for (const text of listKeys(folder).filter((key) => key.startsWith('fact_sales_order/'))) {
    const table = totesys.table('fact_sales_order');
    const batches = await readParquet(table, text, readFileSync(join(folder, text)));
    for (const chunk of encodeCopyRows(batches, { objectId: '1' })) bytes += chunk.length;
  }
  return bytes;
}

function processedKeys(folder: string): ProcessedKey[] {
  return listKeys(folder)
    .filter((key) => key.endsWith(processedSuffix))
    .flatMap((text) => {
      const key = parseObjectKey(text);
      return key.zone === 'processed' ? [key] : [];
    });
}
