import type { RecordBatch } from 'apache-arrow';
import { TerminalError } from '../../shared/errors.ts';
import { formatObjectKey, type ProcessedKey } from '../../shared/object-store/object-key.ts';
import { type ProcessedMetadata, parseProcessedMetadata } from '../../shared/object-store/object-metadata.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { readParquet } from '../../shared/parquet/read-parquet.ts';
import { releaseMemory } from '../../shared/release-memory.ts';
import type { WarehouseTable } from '../../shared/star-schema/assemble.ts';

export interface ProcessedObject {
  key: ProcessedKey;
  table: WarehouseTable;
  metadata: ProcessedMetadata;
  batches: RecordBatch[];
}

/** @throws {TerminalError} there is no such object, or it is not what its key and its metadata say */
export async function readProcessed(
  store: Pick<ObjectStore, 'get'>,
  key: ProcessedKey,
  table: WarehouseTable,
): Promise<ProcessedObject> {
  const name = formatObjectKey(key);
  const stored = await store.get(name);
  if (stored === undefined) throw new TerminalError('there is no such object', { key: name });
  const metadata = parseProcessedMetadata(name, stored.metadata);
  const batches = await readParquet(table, name, stored.body);
  releaseMemory(stored.body);
  const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  if (rows !== metadata.rows) {
    const message = `the object has ${rows} rows, and its metadata say ${metadata.rows}`;
    throw new TerminalError(message, { key: name });
  }
  return { key, table, metadata, batches };
}

/** Frees what the rows take. */
export function releaseBatches(batches: readonly RecordBatch[]): void {
  const columns = batches.flatMap(({ data }) => data.children);
  for (const { values, valueOffsets, nullBitmap } of columns)
    for (const buffer of [values, valueOffsets, nullBitmap]) if (buffer !== undefined) releaseMemory(buffer);
}
