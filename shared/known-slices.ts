/** A slice that is followed to its end. */
export interface FollowedSlice {
  run: string;
  slice: string;
  /** The source table. */
  table: string;
}

/** Tables and slices of which something is known: that they are loaded, ingested, or have failed for good. */
export interface KnownSlices {
  add(table: string, slice: Omit<FollowedSlice, 'table'>): void;
  has(table: string, slice: Omit<FollowedSlice, 'table'>): boolean;
  /** Whether a part of the slice is known: it was cut in two, and each half again where need be. */
  hasPart(slice: Omit<FollowedSlice, 'table'>): boolean;
}

export function makeKnownSlices(): KnownSlices {
  const known = new Set<string>();
  const cut = new Set<string>();
  return {
    add: (table, { run, slice }) => {
      known.add(`${table} ${run}-${slice}`);
      for (let end = slice.lastIndexOf('.'); end > 0; end = slice.lastIndexOf('.', end - 1)) {
        cut.add(`${run}-${slice.slice(0, end)}`);
      }
    },
    has: (table, { run, slice }) => known.has(`${table} ${run}-${slice}`),
    hasPart: ({ run, slice }) => cut.has(`${run}-${slice}`),
  };
}
