import { formatObjectKey, type ProcessedKey, type RunId } from '../../shared/object-store/object-key.ts';

const anyRun: RunId = '20000101T000000000Z0000';

/** The folder of a table's objects, in either zone, with its slash: the table as keys encode it. */
export function tableFolder(table: string): string {
  const key = formatObjectKey({ zone: 'ingested', table, run: anyRun, slice: '0000' });
  return key.slice(0, key.indexOf('/') + 1);
}

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
