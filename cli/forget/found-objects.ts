import { TerminalError } from '../../shared/errors.ts';
import { parseKnownKey } from '../../shared/object-store/object-key.ts';
import { type ObjectVersion, parseObjectVersion } from '../../shared/object-store/object-metadata.ts';
import type { ListedObject, ObjectStore, StoredObject } from '../../shared/object-store/object-store.ts';
import type { OldVersions } from '../../shared/object-store/old-versions.ts';
import { isUpTo } from './forgotten-row.ts';

/** A bucket, with what it keeps of objects that were replaced or deleted. */
export interface CleanedZone {
  store: ObjectStore;
  /** Absent where nothing is kept. */
  oldVersions: OldVersions | undefined;
}

/** Rows that were taken out, and of how many objects. */
export interface Cleaned {
  objects: number;
  rows: number;
  /** Old versions that were deleted because they had the row. */
  oldVersions: number;
}

/** What a row is taken out of, and what is known of it. */
export interface CleaningContext {
  /** Names the row. */
  id: string;
  /** Objects that were read later do not have the row, or have it anew. */
  version: ObjectVersion;
  /** Objects that were searched: they are only searched again once they were put again. */
  searched: Set<string>;
}

/** The parts of an object that replace it. */
export interface CleanedObject {
  body: Uint8Array;
  metadata: Record<string, string>;
  /** Rows that are gone. */
  removed: number;
}

/**
 * Takes rows out of each object of these folders.
 *
 * An object keeps its key: the messages and the ledger name it. So whoever reads it gets all of it as it was, or all of it
 * without the rows, and a kill between two objects leaves nothing half.
 *
 * @param clean undefined where the object has no such row
 * @returns how many rows were taken out
 */
export async function cleanObjects(
  { store, oldVersions }: CleanedZone,
  folders: readonly string[],
  { id, version, searched }: CleaningContext,
  clean: Clean,
): Promise<Cleaned> {
  const total = { objects: 0, rows: 0, oldVersions: 0 };
  for (const folder of folders) {
    for (const listed of await listAll(store, folder)) {
      const name = `${id} ${searchedName(store, listed)}`;
      if (searched.has(name)) continue;
      const removed = await cleanObject(store, listed.key, version, clean);
      if (removed === 0) searched.add(name);
      else total.objects++;
      total.rows += removed;
    }
    // Last: what was replaced is an old version now.
    total.oldVersions += await deleteOld(
      oldVersions,
      folder,
      { id, version, searched },
      async (key, object) => (isZoneObject(key) ? (await clean(key, object)) !== undefined : false),
    );
  }
  return total;
}

/** @returns the object without the rows; undefined where it has none of them */
type Clean = (
  key: string,
  object: Pick<StoredObject, 'body' | 'metadata'>,
) => Promise<CleanedObject | undefined>;

/** Deletes old versions that have the row, also those that an attempt has left that ended early. */
export async function deleteOld(
  oldVersions: OldVersions | undefined,
  folder: string,
  { id, searched }: CleaningContext,
  hasRow: (key: string, object: Pick<StoredObject, 'body' | 'metadata'>) => Promise<boolean>,
): Promise<number> {
  let deleted = 0;
  for await (const old of oldVersions?.list(folder) ?? []) {
    const name = `${id} ${old.key} ${old.versionId}`;
    if (searched.has(name)) continue;
    const object = await oldVersions?.get(old);
    if (object !== undefined && (await hasRow(old.key, object))) {
      await oldVersions?.delete(old);
      deleted++;
    } else searched.add(name);
  }
  return deleted;
}

const searchedName = ({ bucket }: ObjectStore, { key, size, lastModified }: ListedObject): string =>
  `${bucket} ${key} ${size} ${lastModified.getTime()}`;

/** Before the first is replaced: a listing goes on while objects change. */
async function listAll(store: ObjectStore, folder: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of store.list(folder)) if (isZoneObject(object.key)) found.push(object);
  return found;
}

const isZoneObject = (key: string): boolean => parseKnownKey(key) !== undefined;

async function cleanObject(
  store: ObjectStore,
  key: string,
  version: ObjectVersion,
  clean: Clean,
): Promise<number> {
  for (;;) {
    const object = await store.get(key);
    if (object === undefined || !isUpTo(versionOf(key, object), version)) return 0;
    const cleaned = await clean(key, object);
    if (cleaned === undefined) return 0;
    // Another row may be taken out of it at the same time: then the object is another one, and is read again.
    if (await store.replace(key, cleaned.body, object.etag, cleaned.metadata)) return cleaned.removed;
  }
}

/** @throws {TerminalError} the object is not Starlift's: whether it has the row is not known */
export function versionOf(key: string, { metadata }: StoredObject): ObjectVersion {
  try {
    return parseObjectVersion(metadata.version ?? '');
  } catch (cause) {
    throw new TerminalError(
      `${key} has lost its metadata, so nothing says when it was read. Delete it, or put it back as it was`,
      { key, cause },
    );
  }
}
