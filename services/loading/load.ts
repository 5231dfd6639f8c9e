import type pg from 'pg';
import { toPipelineError } from '../../shared/classify-error.ts';
import { formatObjectKey, type ProcessedKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import type { WarehouseTable } from '../../shared/star-schema/assemble.ts';
import type { RefusedTables } from '../../shared/warehouse/ensure-warehouse.ts';
import { insertDates } from '../../shared/warehouse/insert-dates.ts';
import type { ObjectRows } from './copy-rows.ts';
import { namedDays } from './dimension-references.ts';
import { endIfComplete, type InitialLoadDeps, joinInitialLoad } from './initial-load.ts';
import { loadCalendar, loadDimension, type Warehouse } from './load-dimension.ts';
import { loadFact } from './load-fact.ts';
import { type ProcessedObject, readProcessed, releaseBatches } from './read-processed.ts';
import type { FactRelease } from './release-fact.ts';
import { enterAgain, enterInLedger, isInLedger } from './sql/ledger.ts';
import { limitWaiting } from './sql/limit-waiting.ts';

/** The database is the warehouse, with all of its tables: see `ensureWarehouse`. */
export interface LoadDeps extends InitialLoadDeps {
  processed: Pick<ObjectStore, 'get'>;
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

/**
 * Loads one processed object into its warehouse table, once.
 *
 * The rows and the ledger's entry commit together, so a second delivery finds the entry and does nothing. Rows are
 * guarded by their objects' versions: objects may be loaded in any order, again, and at the same time. A fact's keys are
 * built with the last object of its initial load: where that fails the load has failed, and the next one does it.
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
    if (!isKnown || options.replay !== undefined) return await readAndWrite(key, table, deps, options);
    // The load that has entered it may have died before it built the keys.
    if (table.kind === 'fact') await endIfComplete(table, key.run, deps);
    return alreadyLoaded(key);
  } catch (error) {
    throw toPipelineError(error, { table: key.table, key: name });
  }
}

const alreadyLoaded = (key: ProcessedKey): LoadResult => ({
  ...{ key, outcome: 'already loaded' },
  ...{ rows: 0, waiting: 0, released: 0, releases: [] },
});

async function readAndWrite(
  key: ProcessedKey,
  table: WarehouseTable,
  deps: LoadDeps,
  options: LoadOptions,
): Promise<LoadResult> {
  // Before a connection is borrowed for it.
  const object = await readProcessed(deps.processed, key, table);
  try {
    const run = options.replay === undefined ? key.run : undefined;
    const isInitial = table.kind === 'fact' && (await joinInitialLoad(table, run, deps));
    const result = await deps.database.withClient((client) =>
      writeObject(client, object, deps, { ...options, isInitial }),
    );
    if (isInitial) await endIfComplete(table, key.run, deps);
    return result;
  } finally {
    releaseBatches(object.batches);
  }
}

async function writeObject(
  client: pg.PoolClient,
  object: ProcessedObject,
  { model, schema }: LoadDeps,
  { replay, isInitial }: LoadOptions & { isInitial: boolean },
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
    const counts = await writeRows({ client, model, schema }, table, { batches, objectId, isInitial });
    return { key, outcome: 'loaded', rows: metadata.rows, ...counts };
  });
}

async function writeRows(
  warehouse: Warehouse,
  table: WarehouseTable,
  rows: ObjectRows & { isInitial: boolean },
): Promise<Pick<LoadResult, 'waiting' | 'released' | 'releases'>> {
  const { waiting, releases } = await put(warehouse, table, rows);
  return { waiting, released: releases.reduce((sum, release) => sum + release.rows, 0), releases };
}

async function put(
  warehouse: Warehouse,
  table: WarehouseTable,
  rows: ObjectRows & { isInitial: boolean },
): Promise<{ waiting: number; releases: FactRelease[] }> {
  if (rows.batches.length === 0) return { waiting: 0, releases: [] };
  if (table.kind === 'fact') return loadFact(warehouse, table, rows);
  if (table.kind === 'dimension') {
    return { waiting: 0, releases: await loadDimension(warehouse, table, rows) };
  }
  await loadCalendar(warehouse, table, rows);
  return { waiting: 0, releases: [] };
}
