import type pg from 'pg';
import type { Model } from '../model/model.ts';
import type { RunId } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { knownOf, readCaptureState } from '../records/plan/capture-state.ts';
import { type PlannedSlice, readRunRecord } from '../records/plan/run-record.ts';
import { isAccountedFor, type KnownSlices, makeKnownSlices, type SliceId } from '../records/plan/slices.ts';
import { selectInitialLoads } from './initial-loads.ts';
import { ledgerTable } from './schema/ledger-schema.ts';

/**
 * Finds the source tables whose first load is whole: the last run that has read all of the table is loaded into each table that
 * it feeds, and a fact has its keys.
 *
 * @param known those that were whole before, which they stay
 */
export async function findWholeTables(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get'>,
  model: Model,
  known: readonly string[],
): Promise<string[]> {
  const open = model.sources.filter(({ name, feeds }) => feeds.length > 0 && !known.includes(name));
  if (open.length === 0) return [...known];
  const tables = (await readCaptureState(ingested))?.state.tables ?? {};
  const loading = await selectInitialLoads(client);
  const whole: string[] = [...known];
  // Most tables were read in full by the same run.
  const runs = new Map<RunId, LoadedRun>();
  const findRun = async (run: RunId): Promise<LoadedRun> => {
    const found = runs.get(run) ?? (await readLoadedRun(client, ingested, run));
    runs.set(run, found);
    return found;
  };
  for (const { name, feeds } of open) {
    const state = knownOf({ tables }, name);
    if (state === undefined || feeds.some((table) => loading.has(table))) continue;
    // A state of an older release has forgotten the run.
    if (state.fullRun === undefined || isLoaded({ name, feeds }, await findRun(state.fullRun)))
      whole.push(name);
  }
  return whole;
}

interface LoadedRun {
  run: RunId;
  planned: readonly PlannedSlice[];
  /** By warehouse table. */
  loaded: KnownSlices;
}

async function readLoadedRun(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get'>,
  run: RunId,
): Promise<LoadedRun> {
  const planned = (await readRunRecord(ingested, run))?.slices ?? [];
  const { rows } = await client.query<{ table: string; slice: SliceId }>(
    `select distinct warehouse_table as table, slice from ${ledgerTable} where run = $1`,
    [run],
  );
  const loaded = makeKnownSlices();
  for (const { table, slice } of rows) loaded.add(table, { run, slice });
  return { run, planned, loaded };
}

function isLoaded(
  { name, feeds }: { name: string; feeds: readonly string[] },
  { run, planned, loaded }: LoadedRun,
): boolean {
  const slices = planned.filter(({ table }) => table === name);
  return feeds.every((table) => slices.every(({ slice }) => isAccountedFor(loaded, table, { run, slice })));
}
