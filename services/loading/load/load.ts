import type pg from 'pg';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { type PipelineError, RefusedError, restate } from '../../../shared/errors.ts';
import { readBinding } from '../../../shared/ledger/binding.ts';
import { ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import { changeRows, enterAdded } from '../../../shared/ledger/table-counts.ts';
import { isHistory } from '../../../shared/model/history.ts';
import {
  type Calendar,
  type Dimension,
  type Fact,
  isNextName,
  type Model,
  referencesTable,
  type WarehouseTable,
} from '../../../shared/model/model.ts';
import { formatObjectKey, type ProcessedKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { quoteQualified } from '../../../shared/postgres/identifier.ts';
import { describeLock, findLockHolder, tablesIn } from '../../../shared/postgres/lock-holder.ts';
import { isUndefinedTable } from '../../../shared/postgres/server-error.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import { assertNotLater, LaterModelError } from '../../../shared/warehouse/adopt-model.ts';
import type { RefusedTables } from '../../../shared/warehouse/ensure-warehouse.ts';
import { insertDates } from '../../../shared/warehouse/insert-dates.ts';
import { listMissingTables } from '../../../shared/warehouse/missing-tables.ts';
import { type CensusDeps, commitCensus } from '../census/apply-census.ts';
import { noteLateRows } from '../census/late-rows.ts';
import type { AppliedCensus } from '../census/newest-censuses.ts';
import {
  endInitialLoadIfComplete,
  holdKeys,
  type InitialLoadDeps,
  joinInitialLoad,
} from '../initial-load/initial-load.ts';
import { limitWaiting } from '../limit-waiting.ts';
import { distinctValues } from '../rows/column-values.ts';
import {
  appendRows,
  copyDistinctRows,
  copyNewRows,
  insertNewRows,
  type ObjectRows,
  type PutRows,
  putRows,
  stageRows,
  type Warehouse,
  warehouseTarget,
} from '../rows/put-rows.ts';
import { holdDimensions, parkWaiting, unparkSuperseded } from '../waiting/park-rows.ts';
import { hasAllDimensions } from '../waiting/references.ts';
import { type FactRelease, holdParking, releaseFact, selectWaitingState } from '../waiting/release-fact.ts';
import { enterInLedger, enterQuarantined } from './enter-in-ledger.ts';
import { loadHistory } from './load-history.ts';
import { type QuarantineDeps, quarantineRows } from './quarantine-rows.ts';
import { type ProcessedObject, type ReadDeps, readProcessed, releaseBatches } from './read-processed.ts';

/** The database is the warehouse, with all of its tables: see `ensureWarehouse`. */
export interface LoadDeps extends InitialLoadDeps, ReadDeps, QuarantineDeps, Pick<CensusDeps, 'readVerdict'> {
  processed: Pick<ObjectStore, 'get' | 'create'>;
  /** Tables that cannot be loaded as they are; the others can. */
  refused?: RefusedTables;
  /** Dimensions that are known to be gone. Rows that name them wait for their rebuild. */
  absent?: ReadonlySet<string>;
}

export interface LoadOptions {
  /** The id of a replay. It loads what the ledger has already; rows that the warehouse has as new or newer stay. */
  replay?: string | undefined;
}

export interface LoadResult {
  key: ProcessedKey;
  /**
   * - `loaded`: the rows are in the warehouse now
   * - `already loaded`: they were before
   * - `outdated`: nothing was loaded; an older model made the object, with other columns, and it must be made anew
   * - `not in the model`: nothing was loaded, and nothing is left to do unless another model is in force
   */
  outcome: 'loaded' | 'already loaded' | 'outdated' | 'not in the model';
  /** Rows in the object, but for those in quarantine. */
  rows: number;
  /** Rows of it that wait for a dimension. */
  waiting: number;
  /** Rows of it of which the warehouse cannot read a value. */
  quarantined: number;
  /** Rows of facts that had waited for this dimension's. */
  released: number;
  /** The outcome for each fact whose waiting rows could be released. */
  releases: FactRelease[];
  /** Of a census. */
  census?: AppliedCensus;
}

/**
 * Loads one processed object into its warehouse table, once.
 *
 * The rows and the ledger's entry commit together, so a second delivery finds the entry and does nothing. Rows are
 * guarded by their objects' versions, so objects may be loaded in any order, repeatedly and concurrently. A fact's keys
 * are built with the last object of its initial load: if that fails, the load has failed, and the next attempt builds
 * them.
 *
 * @throws {LaterModelError} the object, or the warehouse, is of a later model than was looked for
 * @throws {TransientError} the warehouse or the store cannot be reached, or a lock timed out
 * @throws {TerminalError} there is no such object, or the object is not what its key says it is
 */
export async function loadObject(
  key: ProcessedKey,
  deps: LoadDeps,
  { replay }: LoadOptions = {},
): Promise<LoadResult> {
  const name = formatObjectKey(key);
  try {
    const table = deps.model.tables.find(({ name }) => name === key.table);
    if (table === undefined) return withoutRows(key, 'not in the model');
    const refusal = deps.refused?.get(key.table);
    if (refusal !== undefined) throw refusal;
    const isKnown = await deps.database.withClient((client) => isInLedger(client, name));
    if (isKnown && replay === undefined) {
      // The load that entered it may have died before it built the keys.
      if (table.kind === 'fact' && key.census === undefined) {
        await endInitialLoadIfComplete(table, key.run, deps);
      }
      return withoutRows(key, 'already loaded');
    }
    // Read first, so that no connection is held while S3 answers.
    const object = await readProcessed(key, table, deps);
    if (object === undefined) return withoutRows(key, 'outdated');
    try {
      if (key.census !== undefined) {
        return await deps.database.withClient((client) => commitCensus(client, object, deps, replay));
      }
      const run = replay === undefined ? key.run : undefined;
      const isInitial = table.kind === 'fact' && (await joinInitialLoad(table, run, deps));
      const result = await deps.database.withClient((client) =>
        commitObject(client, object, deps, { replay, isInitial }),
      );
      if (isInitial) await endInitialLoadIfComplete(table, key.run, deps);
      return result;
    } finally {
      releaseBatches(object.batches);
    }
  } catch (error) {
    if (error instanceof LaterModelError) throw error;
    if (isNextName(key.table) && isUndefinedTable(error)) throw await explainGone(key, error, deps);
    if (isUndefinedTable(error) && deps.absent === undefined) {
      const missing = await deps.database.withClient((client) =>
        listMissingTables(client, deps.model, deps.schema),
      );
      if (!missing.includes(key.table))
        return loadObject(key, { ...deps, absent: new Set(missing) }, { replay });
    }
    throw await nameLockHolder(toPipelineError(error, { table: key.table, key: name }), key.table, deps);
  }
}

/** A table that was filled has taken another's place, together with a later model. */
async function explainGone(
  { table }: ProcessedKey,
  cause: unknown,
  { database, modelNumber = 0, looked = modelNumber }: LoadDeps,
): Promise<Error> {
  const number = (await database.withClient(readBinding))?.modelNumber ?? 0;
  if (number > looked) return new LaterModelError(number);
  return new RefusedError(`${table} is not there any more`, { by: 'warehouse', cause });
}

/** Says who holds the table that a load could not lock: its own, one that it reads, or one whose rows it releases. */
async function nameLockHolder(
  error: PipelineError,
  table: string,
  { database, model, schema }: LoadDeps,
): Promise<PipelineError> {
  if (!(error instanceof RefusedError && error.by === 'lock')) return error;
  const others = model.tables.map(({ name }) => name).filter((name) => name !== table);
  const holder = await database.withClient(
    async (client) =>
      (await findLockHolder(client, tablesIn(schema, [table]), 'ShareLock')) ??
      findLockHolder(client, tablesIn(schema, others), 'ShareLock'),
  );
  return holder === undefined ? error : restate(error, { message: describeLock(holder) });
}

async function isInLedger(client: pg.ClientBase, key: string): Promise<boolean> {
  const { rowCount } = await client.query(`select from ${ledgerTable} where key = $1`, [key]);
  return rowCount === 1;
}

const withoutRows = (key: ProcessedKey, outcome: Exclude<LoadResult['outcome'], 'loaded'>): LoadResult => ({
  key,
  outcome,
  rows: 0,
  waiting: 0,
  quarantined: 0,
  released: 0,
  releases: [],
});

/** The object's rows and its entry in the ledger, in one transaction. */
async function commitObject(
  client: pg.PoolClient,
  object: ProcessedObject,
  { model, schema, processed, notify, absent = new Set(), modelNumber = 0, looked = modelNumber }: LoadDeps,
  { replay, isInitial }: LoadOptions & { isInitial: boolean },
): Promise<LoadResult> {
  const { key, table, metadata, batches } = object;
  const { calendar } = model;
  const written = writtenTables(table, model);
  if (calendar !== undefined && table.kind !== 'calendar' && referencesTable(table, calendar)) {
    await insertDates(client, { schema, calendar }, namedDays(table, calendar, batches));
  }
  return inTransaction(client, async () => {
    await limitWaiting(client, {
      written: [quoteQualified(schema, table.name)],
      read: referencesOf(table).flatMap((name) => (absent.has(name) ? [] : quoteQualified(schema, name))),
      held: { tables: written, as: 'writer' },
    });
    const entry = await enterInLedger(client, object, { replay, written, schema });
    if (entry === undefined) return withoutRows(key, 'already loaded');
    // The table is locked by now: what changes its columns comes before or after this.
    if (modelNumber > 0) assertNotLater(entry.modelNumber, looked);
    const { objectId } = entry;
    const warehouse = { client, model, schema, marked: new Set(entry.marked), absent };
    const rows = { batches, objectId };
    let waiting = 0;
    let releases: FactRelease[] = [];
    let put: PutRows = { added: 0, replaced: 0 };
    let uncastable: QuarantinedRow[] = [];
    if (batches.length > 0) {
      if (table.kind === 'fact')
        ({ put, waiting, releases, uncastable } = await loadFact(warehouse, table, rows, isInitial));
      else if (table.kind === 'calendar') await loadCalendar(warehouse, table, rows);
      else if (isHistory(table))
        ({ put, uncastable } = await loadHistory(warehouse, table, object, objectId));
      else ({ put, releases, uncastable } = await loadDimension(warehouse, table, rows));
    }
    const quarantined = uncastable.length;
    if (quarantined > 0) {
      // Before the commit: once the object is in the ledger, nothing would put them.
      await quarantineRows(key, uncastable, { processed, notify });
      if (entry.isNew) await enterQuarantined(client, objectId, quarantined);
    }
    const { added } = put;
    // At the end, so that nothing is waited for while the census' entry is locked.
    if (added + put.replaced + waiting > 0) await noteLateRows(client, table.name, metadata.version);
    // What a census has removed may come back with any load, and is removed and counted once more.
    if (table.kind !== 'calendar' && table.deletes === 'remove')
      await changeRows(client, table.name, added, 'loaded');
    else if (entry.isNew) await enterAdded(client, objectId, Math.min(added, entry.maxAdded));
    const released = releases.reduce((sum, release) => sum + release.rows, 0);
    const loaded = metadata.rows - quarantined;
    return { key, outcome: 'loaded', rows: loaded, waiting, quarantined, released, releases };
  });
}

/** The tables that a load of this one writes to: its own, and those whose waiting rows it may release. */
const writtenTables = (table: WarehouseTable, model: Model): string[] => [
  table.name,
  ...(table.kind === 'dimension' ? factsNaming(table, model).map(({ name }) => name) : []),
];

const factsNaming = ({ name }: Dimension, { tables }: Model): Fact[] =>
  tables.filter(
    (table) => table.kind === 'fact' && table.columns.some(({ references }) => references === name),
  ) as Fact[];

const referencesOf = (table: WarehouseTable): string[] =>
  table.kind === 'fact' ? [...new Set(table.columns.flatMap(({ references }) => references ?? []))] : [];

/** The dates that these rows reference, in days since 1970-01-01. */
function namedDays(table: Dimension | Fact, { name }: Calendar, batches: ObjectRows['batches']): Set<number> {
  const indexes = table.columns.flatMap(({ references }, index) => (references === name ? [index] : []));
  return new Set(indexes.flatMap((index) => distinctValues(batches, index).map(Number)));
}

const staging = 'pg_temp.staging';

interface FactLoad {
  put: PutRows;
  /** Rows parked. */
  waiting: number;
  /** Of rows that the warehouse had refused before. */
  releases: FactRelease[];
  /** Rows of which the warehouse cannot read a value. */
  uncastable: QuarantinedRow[];
}

/**
 * Puts a fact's rows. A row that lacks a dimension row is parked; the others are loaded.
 *
 * @param isInitial the fact may be without its keys, see `joinInitialLoad`
 */
async function loadFact(
  warehouse: Warehouse,
  fact: Fact,
  rows: ObjectRows,
  isInitial: boolean,
): Promise<FactLoad> {
  const { client, schema } = warehouse;
  const target = warehouseTarget(fact, schema, warehouse.marked.has(fact.name));
  const areAllReady = await hasAllDimensions(warehouse, fact, rows.batches);
  if (!areAllReady) await holdDimensions(client);
  const hasKeys = !isInitial || (await holdKeys(client, target, fact.name));
  const copyStraight = hasKeys ? copyNewRows : copyDistinctRows;
  let waiting = 0;
  let put: PutRows | undefined;
  let uncastable = areAllReady ? await copyStraight(client, target, rows) : undefined;
  if (uncastable === undefined) {
    uncastable = await stageRows(client, target, staging, rows);
    if (!areAllReady) waiting = await parkWaiting(warehouse, fact, staging);
    put = await (hasKeys ? putRows : appendRows)(client, target, staging);
  }
  put ??= { added: rowsOf(rows) - uncastable.length, replaced: 0 };
  const releases: FactRelease[] = [];
  const { isAnyParked, isUnreleased } = await selectWaitingState(client, fact.name);
  if (isAnyParked) {
    await unparkSuperseded(warehouse, fact, rows.batches);
    // The table accepts rows again, so rows that it refused before need not wait for the next dimension load.
    if (isUnreleased) releases.push(await releaseFact(warehouse, fact, fact.name));
  }
  return { put, waiting, releases, uncastable };
}

/** Puts a dimension's rows, the newest of each key, and releases the facts that waited for them. */
async function loadDimension(
  warehouse: Warehouse,
  dimension: Dimension,
  rows: ObjectRows,
): Promise<Omit<FactLoad, 'waiting'>> {
  const { client, model, schema } = warehouse;
  const target = warehouseTarget(dimension, schema, warehouse.marked.has(dimension.name));
  let put: PutRows | undefined;
  let uncastable = await copyNewRows(client, target, rows);
  if (uncastable === undefined) {
    uncastable = await stageRows(client, target, staging, rows);
    put = await putRows(client, target, staging);
  }
  put ??= { added: rowsOf(rows) - uncastable.length, replaced: 0 };
  const naming = factsNaming(dimension, model);
  const releases: FactRelease[] = [];
  if (naming.length > 0) await holdParking(client);
  for (const fact of naming) releases.push(await releaseFact(warehouse, fact, dimension.name));
  return { put, releases, uncastable };
}

const rowsOf = ({ batches }: ObjectRows): number => batches.reduce((sum, { numRows }) => sum + numRows, 0);

/** A date's row is the same in every object, so an existing one stays. */
async function loadCalendar(
  { client, schema }: Warehouse,
  calendar: Calendar,
  rows: ObjectRows,
): Promise<void> {
  const target = warehouseTarget(calendar, schema);
  await stageRows(client, target, staging, rows);
  await insertNewRows(client, target, staging);
}
