import type { Model } from '../model/model.ts';
import {
  formatCensusDayFolder,
  formatCensusFolder,
  formatDayFolder,
  formatTableFolder,
  type IngestedKey,
  type ObjectKey,
  parseObjectKey,
} from '../object-store/object-key.ts';
import type { ListedObject, ObjectStore } from '../object-store/object-store.ts';
import { type KnownSlices, makeKnownSlices } from '../records/plan/slices.ts';

/** What is known about a zone's objects in addition to their keys. */
export interface SweepFacts {
  /** Whether the next step has done its work on an object. */
  isFollowed(key: ObjectKey): boolean;
  /** The keys that dead letters, retried messages and discarded ones name: those are nobody's to send again. */
  deadKeys: ReadonlySet<string>;
  /** Younger objects may be on their way. */
  before: Date;
  /** Messages on the zone's queue, in flight included. */
  queued: number;
}

/**
 * Decides which objects lost their event: no message will carry them to the next step.
 *
 * If the queue has at least as many messages as objects are missing, it accounts for all of them: it is behind, and
 * sending them again would put it further behind. It is swept once it has caught up.
 *
 * @returns their keys, the oldest object's first
 */
export function findLost(objects: readonly ListedObject[], facts: SweepFacts): string[] {
  const missing = objects.filter(
    ({ key, lastModified }) =>
      lastModified < facts.before && !facts.deadKeys.has(key) && isUnfollowed(key, facts),
  );
  if (missing.length <= facts.queued) return [];
  return missing
    .toSorted((a, b) => a.lastModified.getTime() - b.lastModified.getTime())
    .map(({ key }) => key);
}

/** A key below a table's folder that the pipeline did not write is left alone. */
function isUnfollowed(text: string, { isFollowed }: SweepFacts): boolean {
  const key = parseOrUndefined(text);
  return key !== undefined && !isFollowed(key);
}

/** @returns undefined for a key that the pipeline did not write */
export function parseOrUndefined(text: string): ObjectKey | undefined {
  try {
    return parseObjectKey(text);
  } catch {
    return undefined;
  }
}

/** The slices that processed objects belong to, in any revision, by warehouse table. */
export function collectProcessed(objects: readonly Pick<ListedObject, 'key'>[]): KnownSlices {
  const known = makeKnownSlices();
  for (const object of objects) {
    const key = parseOrUndefined(object.key);
    if (key?.zone === 'processed') known.add(key.table, key);
  }
  return known;
}

/**
 * Whether an ingested object has been transformed into all that its source feeds; a table's object is put last. Any
 * revision will do: if the first one is lost and a later one is there, a sweep that wanted the first would send it
 * forever.
 */
export function isTransformed(
  { table, run, slice }: Pick<IngestedKey, 'table' | 'run' | 'slice'>,
  processed: Pick<KnownSlices, 'has'>,
  model: Pick<Model, 'sources'>,
): boolean {
  const source = model.sources.find(({ name }) => name === table);
  return (source?.feeds ?? []).every((fed) => processed.has(fed, { run, slice }));
}

/**
 * Lists the tables' objects of a zone, censuses among them, whose runs began on that day or later (UTC); by default all objects.
 *
 * Keys sort by table and day, so a table's listing starts at the day, and costs what lies after it.
 */
export async function listTables(
  store: Pick<ObjectStore, 'list'>,
  tables: readonly string[],
  since?: Date,
): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for (const table of tables) {
    const after = since === undefined ? undefined : formatDayFolder(table, since);
    for await (const object of store.list(formatTableFolder(table), after)) objects.push(object);
    const afterCensus = since === undefined ? undefined : formatCensusDayFolder(table, since);
    for await (const object of store.list(formatCensusFolder(table), afterCensus)) objects.push(object);
  }
  return objects;
}
