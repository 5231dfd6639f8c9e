import type { FollowedSlice, KnownSlices } from '../../shared/records/slices.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';

export interface SliceFacts {
  /** By warehouse table: the ledger has an object of the slice. */
  loaded: KnownSlices;
  /** By source table: the object is there. Asked only of tables that end in the ingested zone. */
  ingested: KnownSlices;
  /** By source table for an extract or a transform, by warehouse table for a load: it is a dead letter. */
  failed: KnownSlices;
}

/**
 * Whether nothing of a slice is left to do: each of its objects is loaded, or has failed for good. A slice that was
 * too large is its two halves.
 */
export function isAccounted(
  slice: FollowedSlice,
  facts: SliceFacts,
  model: Pick<StarSchema, 'source' | 'table' | 'calendar'>,
): boolean {
  const { loaded, ingested, failed } = facts;
  if (failed.has(slice.table, slice)) return true;
  const tables = tablesOf(slice.table, model);
  const isThrough =
    tables.length === 0
      ? ingested.has(slice.table, slice)
      : tables.every((table) => loaded.has(table, slice) || failed.has(table, slice));
  if (isThrough) return true;
  if (![loaded, ingested, failed].some((known) => known.hasPart(slice))) return false;
  return ['0', '1'].every((half) => isAccounted({ ...slice, slice: `${slice.slice}.${half}` }, facts, model));
}

/** The warehouse tables that an object of the source is made into: a fact comes with its dates. */
export function tablesOf(source: string, model: Pick<StarSchema, 'source' | 'table' | 'calendar'>): string[] {
  const { feeds } = model.source(source);
  const hasFact = feeds.some((table) => model.table(table).kind === 'fact');
  return [...feeds, ...(hasFact ? [model.calendar.name] : [])];
}
