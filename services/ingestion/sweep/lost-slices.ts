import {
  formatFailedKey,
  formatObjectKey,
  parseObjectKey,
  type RunId,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { CaptureState } from '../../../shared/records/capture-state.ts';
import type { ExtractMessage } from '../../../shared/records/extract-message.ts';
import {
  isOverridden,
  type PlannedRun,
  type PlannedSlice,
  readRunRecord,
  unpackMessage,
} from '../../../shared/records/run-record.ts';
import {
  isAccountedFor,
  type KnownSlices,
  makeKnownSlices,
  plannedSliceOf,
} from '../../../shared/records/slices.ts';

/**
 * The messages of a run's slices that have neither an object nor a record of a failure (an operator redrives those).
 *
 * None where the run's rows are planned anew: under another generation, or by a plan, perhaps still to come, that begins
 * where this one began.
 *
 * @param state the current one; undefined where there is none
 * @param accounted slices that are known to be accounted for; when left out, the objects of the run are listed
 * @throws {TerminalError} the run's record is not what a plan writes
 */
export async function findLostMessages(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  run: RunId,
  state: Pick<CaptureState, 'generation' | 'plannedAt'> | undefined,
  accounted?: KnownSlices,
): Promise<ExtractMessage[]> {
  const record = await readRunRecord(ingested, run);
  const messages = record?.messages;
  if (record === undefined || messages === undefined) return [];
  const { generation, since } = record;
  if (generation !== state?.generation || since === state.plannedAt) return [];
  const lost = await findLostSlices(ingested, record, accounted ?? (await listIngested(ingested, record)));
  if (lost.length === 0 || (await isOverridden(ingested, record))) return [];
  return lost.map((slice) => unpackMessage({ run, generation, messages }, slice));
}

async function findLostSlices(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
  known: KnownSlices,
): Promise<PlannedSlice[]> {
  const isLost = ({ table, slice }: PlannedSlice): boolean => !isAccountedFor(known, table, { run, slice });
  const missing = slices.filter(isLost);
  if (missing.length === 0) return [];
  await addFailed(ingested, { run, slices: missing }, known);
  return missing.filter(isLost);
}

async function listIngested(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
): Promise<KnownSlices> {
  const known = makeKnownSlices();
  const tables = [...new Set(slices.map(({ table }) => table))];
  await Promise.all(tables.map((table) => addIngested(ingested, { run, table }, known)));
  return known;
}

async function addIngested(
  ingested: Pick<ObjectStore, 'list'>,
  { run, table }: { run: string; table: string },
  known: KnownSlices,
): Promise<void> {
  const key = formatObjectKey({ zone: 'ingested', table, run, slice: '0000' });
  for await (const object of ingested.list(key.slice(0, key.lastIndexOf('-') + 1))) {
    known.add(table, parseObjectKey(object.key));
  }
}

async function addFailed(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
  known: KnownSlices,
): Promise<void> {
  const tables = new Map(slices.map(({ slice, table }) => [slice, table]));
  const suffix = '.json';
  const prefix = formatFailedKey(run, '').slice(0, -suffix.length);
  for await (const { key } of ingested.list(prefix)) {
    const slice = key.slice(prefix.length, -suffix.length);
    const table = tables.get(plannedSliceOf(slice));
    if (table !== undefined) known.add(table, { run, slice });
  }
}
