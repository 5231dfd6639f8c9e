import type pg from 'pg';
import { initialLoadTable, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Fact } from '../../../shared/model/model.ts';
import type { RunId } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';
import { type RunRecord, readRunRecord } from '../../../shared/records/plan/run-record.ts';
import { isAccountedFor, makeKnownSlices, type SliceId } from '../../../shared/records/plan/slices.ts';
import type { LoadTarget } from '../rows/put-rows.ts';
import { type BuildDeps, buildKeys } from './build-keys.ts';

// A fact's first rows, all of one run that takes its table in full, are loaded before the fact has keys: building two
// indexes afterwards is much cheaper than keeping them up to date row by row (docs/benchmarks.md). Building the keys
// also removes doubled rows. An object of any other run builds the keys before it is loaded. Building them too early is
// slower, never wrong.

export interface InitialLoadDeps extends BuildDeps {
  /** Reads the record of a run. If absent, every fact gets its keys before its first row. */
  readRun?(run: RunId): Promise<Pick<RunRecord, 'slices'> | undefined>;
  /** Once this many rows are loaded, the keys are built without waiting for the last object. */
  maxKeylessRows?: number;
}

/**
 * Makes a reader of one run's record, which remembers the last one: the objects of a run arrive together.
 *
 * @returns of the reader: undefined if there is no such record
 * @throws {TerminalError} of the reader: the record is not what a plan writes
 */
export function makeRunRecordReader(ingested: Pick<ObjectStore, 'get'>) {
  let last: RunRecord | undefined;
  return async (run: RunId): Promise<RunRecord | undefined> => {
    if (last?.run === run) return last;
    const record = await readRunRecord(ingested, run);
    last = record;
    return record;
  };
}

/** Even on slow cores, the keys of this many rows are built well within a load's time limit. */
const defaultMaxKeylessRows = 20_000_000;

/**
 * Called before an object of a fact is loaded.
 *
 * @param run the object's; undefined for a replay, which is not part of an initial load
 * @returns true if the object belongs to the fact's initial load; if false, the fact now has its keys
 */
export async function joinInitialLoad(
  fact: Fact,
  run: RunId | undefined,
  deps: InitialLoadDeps,
): Promise<boolean> {
  const { database, readRun } = deps;
  const select = (client: pg.ClientBase) => selectInitialLoad(client, fact.name);
  let initial = await database.withClient(select);
  if (initial?.run === null && run !== undefined && takesInFull(await readRun?.(run), fact)) {
    initial = await database.withClient(async (client) => {
      await claimInitialLoad(client, fact.name, run);
      return select(client);
    });
  }
  if (initial === undefined || (run !== undefined && initial.run === run)) return initial !== undefined;
  await database.withClient((client) => buildKeys(client, fact, deps));
  return false;
}

/** Called after an object of a fact was committed, by this or another load. Builds the keys after the last one. */
export async function endInitialLoadIfComplete(fact: Fact, run: RunId, deps: InitialLoadDeps): Promise<void> {
  const { database, readRun, maxKeylessRows = defaultMaxKeylessRows } = deps;
  const initial = await database.withClient((client) => selectInitialLoad(client, fact.name));
  if (initial?.run !== run) return;
  const record = await readRun?.(run);
  await database.withClient(async (client) => {
    const { slices, rows } = await selectLoadedSlices(client, fact.name, run);
    const loaded = makeKnownSlices();
    for (const slice of slices) loaded.add(fact.name, { run, slice });
    const isComplete = slicesOf(record, fact).every(({ slice }) =>
      isAccountedFor(loaded, fact.name, { run, slice }),
    );
    if (isComplete || rows >= maxKeylessRows) await buildKeys(client, fact, deps);
  });
}

/**
 * @returns whether the fact has its keys; that holds until the transaction ends, because its lock keeps builders out
 */
export async function holdKeys(client: pg.ClientBase, { table }: LoadTarget, fact: string): Promise<boolean> {
  await client.query(`lock table ${table} in row exclusive mode`);
  return (await selectInitialLoad(client, fact)) === undefined;
}

/** @returns the run that the initial load belongs to; null before the first object, undefined once it is complete */
async function selectInitialLoad(
  client: pg.ClientBase,
  fact: string,
): Promise<{ run: RunId | null } | undefined> {
  const { rows } = await client.query<{ run: RunId | null }>(
    `select run from ${initialLoadTable} where warehouse_table = $1`,
    [fact],
  );
  return rows[0];
}

function takesInFull(record: Pick<RunRecord, 'slices'> | undefined, fact: Fact): boolean {
  const slices = slicesOf(record, fact);
  return slices.length > 0 && slices.every(({ full }) => full);
}

const slicesOf = (record: Pick<RunRecord, 'slices'> | undefined, fact: Fact) =>
  record?.slices.filter(({ table }) => table === fact.source.name) ?? [];

/** Makes the fact's initial load belong to the run, unless it belongs to one already. */
async function claimInitialLoad(client: pg.ClientBase, fact: string, run: RunId): Promise<void> {
  await inTransaction(client, () =>
    client.query(`update ${initialLoadTable} set run = $2 where warehouse_table = $1 and run is null`, [
      fact,
      run,
    ]),
  );
}

/** The slices and rows of one fact's run that are in the ledger. */
async function selectLoadedSlices(
  client: pg.ClientBase,
  fact: string,
  run: RunId,
): Promise<{ slices: SliceId[]; rows: number }> {
  const { rows } = await client.query<{ slices: SliceId[]; rows: number }>(
    `select coalesce(array_agg(distinct slice), '{}') as slices, coalesce(sum(rows), 0)::float8 as rows
     from ${ledgerTable} where warehouse_table = $1 and run = $2`,
    [fact, run],
  );
  return rows[0] ?? { slices: [], rows: 0 };
}
