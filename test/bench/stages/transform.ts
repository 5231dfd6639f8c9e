import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { transformObject } from '../../../services/transformation/transform/transform.ts';
import { ingestedSuffix, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { listKeys, makeFolderStore } from './folder-store.ts';

const chunkBytes = 256 * 1024;

/** Every ingested object of a folder into the Parquet objects of another. */
export async function transform(task: Record<string, string>): Promise<void> {
  const { from = '', folder = '' } = task;
  const ingested = makeFolderStore(from);
  const deps = {
    ingested,
    readLayout: makeReadLayout(ingested),
    processed: makeFolderStore(folder),
    model: totesys,
    notify: async () => {},
    warn: () => {},
  };
  for (const text of listKeys(from).filter((key) => key.endsWith(ingestedSuffix))) {
    const key = parseObjectKey(text);
    if (key.zone === 'ingested') await transformObject(key, deps);
  }
}

/** The transform's work on sales_order alone: files of NDJSON that is not compressed, a Parquet file for each. */
export async function transformLines(task: Record<string, string>): Promise<void> {
  const { from = '', folder = '' } = task;
  const table = totesys.table('fact_sales_order');
  if (table.kind !== 'fact') throw new TypeError('fact_sales_order is no fact');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(from)) {
    const chunks = chunksOf(readFileSync(join(from, name)));
    const { parquet, quarantine } = await transformRows(chunks, table, totesys.calendar);
    if (quarantine.rows > 0) throw new Error(`${name}: ${quarantine.rows} rows in quarantine`);
    writeFileSync(join(folder, name.replace('.ndjson', '.parquet')), parquet);
  }
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
