import type { RecordBatch } from 'apache-arrow';
import type pg from 'pg';
import { toPipelineError } from '../../shared/classify-error.ts';
import { TerminalError } from '../../shared/errors.ts';
import { formatObjectKey, type ProcessedKey } from '../../shared/object-store/object-key.ts';
import { type ProcessedMetadata, parseProcessedMetadata } from '../../shared/object-store/object-metadata.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { readParquet } from '../../shared/parquet/read-parquet.ts';
import type { Database } from '../../shared/postgres/database.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import { releaseMemory } from '../../shared/release-memory.ts';
import type { StarSchema, WarehouseTable } from '../../shared/star-schema/assemble.ts';
import type { RefusedTables } from '../../shared/warehouse/ensure-warehouse.ts';
import { insertDates } from '../../shared/warehouse/insert-dates.ts';
import { namedDays } from './dimension-references.ts';
import { loadCalendar, loadDimension, type Warehouse } from './load-dimension.ts';
import { loadFact } from './load-fact.ts';
import type { FactRelease } from './release-fact.ts';
import { enterAgain, enterInLedger, isInLedger } from './sql/ledger.ts';
import { limitWaiting } from './sql/limit-waiting.ts';

export interface LoadDeps {
  /** The warehouse, with all of its tables: see `ensureWarehouse`. */
  database: Pick<Database, 'withClient'>;
  processed: Pick<ObjectStore, 'get'>;
  model: StarSchema;
  /** The schema of the star schema's tables. */
  schema: string;
  /** Tables that cannot be loaded as they are; the others can. */
  refused?: RefusedTables;
}

export interface LoadOptions {
  /** The id of a replay, which passes over the ledger: rows that the warehouse has as new or newer stay. */
  replay?: string;
}

export interface LoadResult {
  key: ProcessedKey;
  outcome: 'loaded' | 'already loaded';
  /** Rows in the object. */
  rows: number;
  /** Rows of it that wait for a dimension. */
  waiting: number;
  /** Rows of facts that had waited for this dimension's. */
  released: number;
  /** What became of the facts whose rows might be released. */
  releases: FactRelease[];
}

/** What is read of an object before a connection is borrowed for it. */
interface ReadObject {
  key: ProcessedKey;
  table: WarehouseTable;
  metadata: ProcessedMetadata;
  batches: RecordBatch[];
}

/**
 * Loads one processed object into its warehouse table, once.
 *
 * The rows and the ledger's entry commit together, so a second delivery finds the entry and does nothing. Rows are
 * guarded by their objects' versions: objects may be loaded in any order, again, and at the same time.
 *
 * @throws {TransientError} the warehouse or the store cannot be reached, or a lock was not had in time
 * @throws {TerminalError} there is no such object or table, or the object is not what its key says it is
 */
export async function loadObject(
  key: ProcessedKey,
  deps: LoadDeps,
  options: LoadOptions = {},
): Promise<LoadResult> {
  const name = formatObjectKey(key);
  try {
    const table = deps.model.table(key.table);
    const refusal = deps.refused?.get(key.table);
    if (refusal !== undefined) throw refusal;
    const isKnown = await deps.database.withClient((client) => isInLedger(client, name));
    if (isKnown && options.replay === undefined) return alreadyLoaded(key);
    const object = { key, table, ...(await readObject(name, table, deps.processed)) };
    try {
      return await deps.database.withClient((client) => writeObject(client, object, deps, options));
    } finally {
      releaseBatches(object.batches);
    }
  } catch (error) {
    throw toPipelineError(error, { table: key.table, key: name });
  }
}

const alreadyLoaded = (key: ProcessedKey): LoadResult => ({
  ...{ key, outcome: 'already loaded' },
  ...{ rows: 0, waiting: 0, released: 0, releases: [] },
});

async function readObject(key: string, table: WarehouseTable, processed: Pick<ObjectStore, 'get'>) {
  const stored = await processed.get(key);
  if (stored === undefined) throw new TerminalError('there is no such object', { key });
  const metadata = parseProcessedMetadata(key, stored.metadata);
  const batches = await readParquet(table, key, stored.body);
  releaseMemory(stored.body);
  const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  if (rows !== metadata.rows) {
    throw new TerminalError(`the object has ${rows} rows, and its metadata say ${metadata.rows}`, { key });
  }
  return { metadata, batches };
}

function releaseBatches(batches: readonly RecordBatch[]): void {
  const columns = batches.flatMap(({ data }) => data.children);
  for (const { values, valueOffsets, nullBitmap } of columns)
    for (const buffer of [values, valueOffsets, nullBitmap]) if (buffer !== undefined) releaseMemory(buffer);
}

async function writeObject(
  client: pg.PoolClient,
  object: ReadObject,
  { model, schema }: LoadDeps,
  { replay }: LoadOptions,
): Promise<LoadResult> {
  const { key, table, metadata, batches } = object;
  if (table.kind === 'fact') {
    await insertDates(client, { schema, calendar: model.calendar }, namedDays(table, model, batches));
  }
  return inTransaction(client, async () => {
    await limitWaiting(client);
    const enter = replay === undefined ? enterInLedger : enterAgain;
    const objectId = await enter(client, { key, metadata });
    if (objectId === undefined) return alreadyLoaded(key);
    const counts = await writeRows({ client, model, schema }, table, { batches, objectId });
    return { key, outcome: 'loaded', rows: metadata.rows, ...counts };
  });
}

async function writeRows(
  warehouse: Warehouse,
  table: WarehouseTable,
  rows: { batches: RecordBatch[]; objectId: string },
): Promise<Pick<LoadResult, 'waiting' | 'released' | 'releases'>> {
  const { waiting, releases } = await put(warehouse, table, rows);
  return { waiting, released: releases.reduce((sum, release) => sum + release.rows, 0), releases };
}

async function put(
  warehouse: Warehouse,
  table: WarehouseTable,
  rows: { batches: RecordBatch[]; objectId: string },
): Promise<{ waiting: number; releases: FactRelease[] }> {
  if (rows.batches.length === 0) return { waiting: 0, releases: [] };
  if (table.kind === 'fact') return loadFact(warehouse, table, rows);
  if (table.kind === 'dimension') {
    return { waiting: 0, releases: await loadDimension(warehouse, table, rows) };
  }
  await loadCalendar(warehouse, table, rows);
  return { waiting: 0, releases: [] };
}
