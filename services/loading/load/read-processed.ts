import type { RecordBatch } from 'apache-arrow';
import { censusTableOf } from '../../../shared/census/census-table.ts';
import { LostObjectError, TerminalError } from '../../../shared/errors.ts';
import type { WarehouseTable } from '../../../shared/model/model.ts';
import { formatObjectKey, type ProcessedKey } from '../../../shared/object-store/object-key.ts';
import {
  type ProcessedMetadata,
  parseProcessedMetadata,
} from '../../../shared/object-store/object-metadata.ts';
import type { ObjectStore, StoredObject } from '../../../shared/object-store/object-store.ts';
import { OtherColumnsError, readParquet } from '../../../shared/parquet/read-parquet.ts';
import { releaseMemory } from '../../../shared/release-memory.ts';
import { assertNotLater } from '../../../shared/warehouse/adopt-model.ts';

export interface ReadDeps {
  processed: Pick<ObjectStore, 'get'>;
  /** Of the published model. */
  modelNumber?: number;
  /** The greatest number of a model that was looked for: see ReadyWarehouse. */
  looked?: number;
}

export interface ProcessedObject {
  key: ProcessedKey;
  table: WarehouseTable;
  metadata: ProcessedMetadata;
  batches: RecordBatch[];
}

/**
 * Reads an object whole.
 *
 * @returns undefined where an older model has made it, with other columns
 * @throws {LaterModelError} a later model has made it
 * @throws {TerminalError} there is no such object, or it is not what its key and its metadata say
 */
export async function readProcessed(
  key: ProcessedKey,
  table: WarehouseTable,
  { processed, modelNumber = 0, looked = modelNumber }: ReadDeps,
): Promise<ProcessedObject | undefined> {
  const name = formatObjectKey(key);
  const stored = await processed.get(name);
  if (stored === undefined) throw lost(key, 'there is no such object');
  const metadata = parseMetadata(key, stored);
  if (modelNumber > 0) assertNotLater(metadata.model ?? 0, looked);
  const isCensus = key.census !== undefined && table.kind !== 'calendar';
  const read = readParquet(isCensus ? censusTableOf(table) : table, name, stored.body);
  const batches = await read.catch((error: unknown) => {
    const isOutdated = error instanceof OtherColumnsError && (metadata.model ?? 0) < modelNumber;
    if (isOutdated && table.kind !== 'calendar') return undefined;
    throw error instanceof TerminalError ? lost(key, error.message, error) : error;
  });
  releaseMemory(stored.body);
  if (batches === undefined) return undefined;
  const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  if (rows !== metadata.rows) {
    const message = `the object's number of rows is ${rows}, and its metadata says ${metadata.rows}`;
    throw lost(key, message);
  }
  return { key, table, metadata, batches };
}

function parseMetadata(key: ProcessedKey, { metadata }: StoredObject): ProcessedMetadata {
  try {
    return parseProcessedMetadata(formatObjectKey(key), metadata);
  } catch (cause) {
    if (!(cause instanceof TerminalError)) throw cause;
    throw lost(key, cause.message, cause);
  }
}

/** The ingested object is whole, as far as is known here. */
const lost = (key: ProcessedKey, what: string, cause?: unknown): LostObjectError =>
  new LostObjectError(
    `${what}. Make the object again: starlift replay --table ${key.table} --zone ingested`,
    {
      table: key.table,
      key: formatObjectKey(key),
      cause,
    },
  );

/** Frees the memory of the rows. */
export function releaseBatches(batches: readonly RecordBatch[]): void {
  const columns = batches.flatMap(({ data }) => data.children);
  for (const { values, valueOffsets, nullBitmap } of columns)
    for (const buffer of [values, valueOffsets, nullBitmap]) if (buffer !== undefined) releaseMemory(buffer);
}
