import {
  emptyFolder,
  formatEmptyFolder,
  formatEmptyKey,
  formatSkippedKey,
  formatSlicePrefix,
  isRunId,
  type RunId,
  skippedSuffix,
} from '../../object-store/object-key.ts';
import { hasAny, type ObjectStore } from '../../object-store/object-store.ts';
import {
  type FollowedSlice,
  isSliceId,
  type KnownSlices,
  makeKnownSlices,
  plannedSliceOf,
} from './slices.ts';

/** What is noted of a slice in which an extract has found nothing new: `state/empty/<run>/<slice>.json`. */
export interface EmptySlice extends FollowedSlice {
  /** When the note was put, by the clock of the store. */
  putAt: Date;
  /** Nothing was read: see `noteSkippedSlice`. */
  isSkipped: boolean;
}

/**
 * Notes that nothing is new in a slice, in place of an object of no rows: that would go through a transform and a load for
 * nothing. Never of a slice that is read in full: that its table is empty is news, and a fact gets its keys when the ledger
 * has all slices of its first run.
 */
export async function noteEmptySlice(
  ingested: Pick<ObjectStore, 'create'>,
  { run, slice, table }: FollowedSlice,
  seconds: number,
): Promise<void> {
  await ingested.create(
    formatEmptyKey(run, slice),
    Buffer.from(JSON.stringify({ version: 1, table, seconds })),
  );
}

/** Notes that a slice is not read by an index, because that is not there any more, or finds too much. Nothing is left to do of it. */
export async function noteSkippedSlice(
  ingested: Pick<ObjectStore, 'create'>,
  { run, slice, table }: FollowedSlice,
): Promise<void> {
  await ingested.create(formatSkippedKey(run, slice), Buffer.from(JSON.stringify({ version: 1, table })));
}

/** @param after lists only later runs; a run itself lists only its own */
export async function* listEmptySlices(
  ingested: Pick<ObjectStore, 'list'>,
  { run, after }: { run?: RunId; after?: RunId | undefined },
): AsyncGenerator<Omit<EmptySlice, 'table'>> {
  const prefix = run === undefined ? emptyFolder : formatEmptyFolder(run);
  const listed = ingested.list(prefix, after && formatEmptyFolder(after));
  for await (const { key, lastModified } of listed) {
    const [ofRun = '', name = ''] = key.slice(emptyFolder.length).split('/');
    const isSkipped = name.endsWith(skippedSuffix);
    const slice = name.slice(0, isSkipped ? -skippedSuffix.length : -'.json'.length);
    if (isRunId(ofRun) && isSliceId(slice)) yield { run: ofRun, slice, putAt: lastModified, isSkipped };
  }
}

/**
 * Of these slices, and of the parts that they were cut into, those in which nothing was new, or that were skipped. An object of the slice, or of
 * a part of it, beats the note, whenever it comes: a second delivery may have found what the first one had not.
 */
export async function findEmptySlices(
  ingested: Pick<ObjectStore, 'list'>,
  slices: readonly FollowedSlice[],
): Promise<KnownSlices> {
  const tables = new Map(slices.map(({ run, slice, table }) => [`${run} ${plannedSliceOf(slice)}`, table]));
  const empty = makeKnownSlices();
  for (const run of new Set(slices.map((each) => each.run))) {
    for await (const { slice } of listEmptySlices(ingested, { run })) {
      const table = tables.get(`${run} ${plannedSliceOf(slice)}`);
      if (table === undefined || (await hasObject(ingested, { table, run, slice }))) continue;
      empty.add(table, { run, slice });
    }
  }
  return empty;
}

/** Whether there is an object of the slice, or of a part of it. */
export const hasObject = (ingested: Pick<ObjectStore, 'list'>, slice: FollowedSlice): Promise<boolean> =>
  hasAny(ingested, `${formatSlicePrefix(slice)}.`);

/** Adds slices without news to those that are known otherwise. Of one that was cut, its parts decide. */
export function addEmpty(
  known: Pick<KnownSlices, 'add' | 'hasPart'>,
  table: string,
  empty: readonly Omit<FollowedSlice, 'table'>[],
): void {
  const partsFirst = empty.toSorted((a, b) => b.slice.length - a.slice.length);
  for (const slice of partsFirst) if (!known.hasPart(slice)) known.add(table, slice);
}
