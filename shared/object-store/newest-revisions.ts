import type { ProcessedKey } from './object-key.ts';

/** The object of the highest revision of each table's slices. */
export interface NewestRevisions {
  add(key: ProcessedKey): void;
  /** Of the slice that this key is of. */
  of(key: ProcessedKey): ProcessedKey | undefined;
  all(): ProcessedKey[];
}

export function makeNewestRevisions(): NewestRevisions {
  const newest = new Map<string, ProcessedKey>();
  const sliceOf = ({ table, run, slice }: ProcessedKey) => `${table}-${run}-${slice}`;
  return {
    add(key) {
      if ((newest.get(sliceOf(key))?.revision ?? -1) < key.revision) newest.set(sliceOf(key), key);
    },
    of: (key) => newest.get(sliceOf(key)),
    all: () => [...newest.values()],
  };
}
