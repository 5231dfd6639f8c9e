import { type KnownSlices, makeKnownSlices } from '../../shared/known-slices.ts';
import { formatFailedKey, formatObjectKey, parseObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { PlannedRun, PlannedSlice } from './planned-run.ts';

/**
 * The slices of a run that have no object, nor a record of a failure: an operator sends those again. A slice that was
 * cut is its two halves, and lost where either is.
 */
export async function findLostSlices(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
): Promise<PlannedSlice[]> {
  const known = makeKnownSlices();
  const tables = [...new Set(slices.map(({ table }) => table))];
  await Promise.all(tables.map((table) => addIngested(ingested, { run, table }, known)));
  const isLost = ({ table, slice }: PlannedSlice): boolean => !isKnown(known, run, table, slice);
  const missing = slices.filter(isLost);
  if (missing.length === 0) return [];
  await addFailed(ingested, { run, slices: missing }, known);
  return missing.filter(isLost);
}

function isKnown(known: KnownSlices, run: string, table: string, slice: string): boolean {
  if (known.has(table, { run, slice })) return true;
  const halves = known.hasPart({ run, slice }) ? [`${slice}.0`, `${slice}.1`] : [];
  return halves.length > 0 && halves.every((half) => isKnown(known, run, table, half));
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
    const table = tables.get(slice.split('.')[0] ?? '');
    if (table !== undefined) known.add(table, { run, slice });
  }
}
