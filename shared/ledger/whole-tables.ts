import type pg from 'pg';
import type { Model } from '../model/model.ts';
import type { RunId } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { readCaptureState } from '../records/plan/capture-state.ts';
import { readRunRecord } from '../records/plan/run-record.ts';
import { isAccountedFor, makeKnownSlices, type SliceId } from '../records/plan/slices.ts';
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
  for (const { name, feeds } of open) {
    const state = tables[name];
    if (state === undefined || !('source' in state) || feeds.some((table) => loading.has(table))) continue;
    // A state of an older release has forgotten the run.
    if (
      state.fullRun === undefined ||
      (await isLoaded(client, ingested, { name, feeds, run: state.fullRun }))
    )
      whole.push(name);
  }
  return whole;
}

async function isLoaded(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get'>,
  { name, feeds, run }: { name: string; feeds: readonly string[]; run: RunId },
): Promise<boolean> {
  const slices = (await readRunRecord(ingested, run))?.slices.filter(({ table }) => table === name) ?? [];
  const { rows } = await client.query<{ table: string; slice: SliceId }>(
    `select distinct warehouse_table as table, slice from ${ledgerTable} where run = $1`,
    [run],
  );
  const loaded = makeKnownSlices();
  for (const { table, slice } of rows) loaded.add(table, { run, slice });
  return feeds.every((table) => slices.every(({ slice }) => isAccountedFor(loaded, table, { run, slice })));
}
