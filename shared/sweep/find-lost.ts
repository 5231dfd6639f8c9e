import { type IngestedKey, type ObjectKey, parseObjectKey } from '../object-store/object-key.ts';
import type { ListedObject } from '../object-store/object-store.ts';
import { type KnownSlices, makeKnownSlices } from '../records/slices.ts';
import type { StarSchema } from '../star-schema/assemble.ts';

/** What else is known of the objects of a zone. */
export interface SweepFacts {
  /** Whether the next step has done its work on an object. */
  isFollowed(key: ObjectKey): boolean;
  /** Of dead letters: an operator sends those again, when they are mended. */
  deadKeys: ReadonlySet<string>;
  /** Younger objects may be on their way. */
  before: Date;
  /** Messages on the zone's queue, in flight included. */
  queued: number;
}

/**
 * Decides which objects an event was lost for: they lie in their zone, and nobody is going to take them further.
 *
 * A queue with at least as many messages as objects are missing accounts for all of them: it is behind, and sending
 * them once more would put it further behind. It is swept when it has caught up.
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

/** What is no object of ours (a key of nobody's below a table's folder) is nobody's to send. */
function isUnfollowed(text: string, { isFollowed }: SweepFacts): boolean {
  const key = parseOrUndefined(text);
  return key !== undefined && !isFollowed(key);
}

function parseOrUndefined(text: string): ObjectKey | undefined {
  try {
    return parseObjectKey(text);
  } catch {
    return undefined;
  }
}

/** The slices that processed objects belong to, in any revision, by warehouse table. */
export function knowProcessed(objects: readonly Pick<ListedObject, 'key'>[]): KnownSlices {
  const known = makeKnownSlices();
  for (const object of objects) {
    const key = parseOrUndefined(object.key);
    if (key?.zone === 'processed') known.add(key.table, key);
  }
  return known;
}

/**
 * Whether an ingested object has been transformed into all that its source feeds; a table's object is put last. Any
 * revision will do: once the first one is lost and a later one is there, whoever asks for the first sends for ever.
 */
export function isTransformed(
  { table, run, slice }: Pick<IngestedKey, 'table' | 'run' | 'slice'>,
  processed: Pick<KnownSlices, 'has'>,
  model: Pick<StarSchema, 'sources'>,
): boolean {
  const source = model.sources.find(({ name }) => name === table);
  return (source?.feeds ?? []).every((fed) => processed.has(fed, { run, slice }));
}
