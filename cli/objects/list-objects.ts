import { TerminalError } from '../../shared/errors.ts';
import { mapInGroups } from '../../shared/in-groups.ts';
import {
  formatDayFolder,
  formatRunPrefix,
  formatTableFolder,
  type ObjectKey,
  parseKnownKey,
  type RunId,
} from '../../shared/object-store/object-key.ts';
import { parseIngestedMetadata, parseProcessedMetadata } from '../../shared/object-store/object-metadata.ts';
import type { ListedObject, ObjectStore } from '../../shared/object-store/object-store.ts';
import type { NamedTables } from '../options/named-tables.ts';
import type { Site } from '../site/site.ts';

export type Zone = ObjectKey['zone'];

export interface ZoneObject {
  zone: Zone;
  /** Of the source in the ingested zone, of the warehouse in the processed one. */
  table: string;
  key: string;
  run: RunId;
  slice: string;
  /** null in the ingested zone. */
  revision: number | null;
  bytes: number;
  /** null where another tool has put the object. */
  rows: number | null;
  /** ISO 8601. */
  putAt: string;
}

/** With what its metadata says of rows that are not in it. */
export interface CountedObject extends ZoneObject {
  /** Of a processed object; null where that is not known. */
  quarantined: number | null;
}

export interface ObjectSelection {
  tables: NamedTables;
  zones: readonly Zone[];
  /** undefined: of any run. */
  run: RunId | undefined;
}

/** An object as its bucket lists it. */
export interface FoundObject extends ListedObject {
  parsed: ObjectKey;
}

/**
 * Lists objects of the two zones, the newest run first.
 *
 * @param limit no more than these
 * @returns and whether there are more
 */
export async function listZoneObjects(
  site: Pick<Site, 'ingested' | 'processed'>,
  { tables, zones, run }: ObjectSelection,
  { limit, now }: { limit: number; now: Date },
): Promise<{ objects: CountedObject[]; hasMore: boolean }> {
  const folders = zones.flatMap((zone) =>
    (zone === 'ingested' ? tables.sources : tables.tables).map((table) => ({ store: site[zone], table })),
  );
  const lists = await Promise.all(
    folders.map(({ store, table }) =>
      run === undefined
        ? listNewest(store, table, { limit: limit + 1, now })
        : list(store, formatRunPrefix(table, run)),
    ),
  );
  const found = lists.flat().sort(compareByRun);
  return { objects: await readRows(site, found.slice(0, limit)), hasMore: found.length > limit };
}

const compareByRun = ({ parsed: a }: FoundObject, { parsed: b }: FoundObject): number =>
  b.run.localeCompare(a.run) ||
  a.zone.localeCompare(b.zone) ||
  a.table.localeCompare(b.table) ||
  a.slice.localeCompare(b.slice);

/** Days that are looked at one by one; a folder has years of objects, and an operator asks for the last ones. */
const recentDays = 7;

/** At least so many of the newest, if there are so many. */
async function listNewest(
  store: ObjectStore,
  table: string,
  { limit, now }: { limit: number; now: Date },
): Promise<FoundObject[]> {
  const found: FoundObject[] = [];
  for (let back = 0; back < recentDays; back++) {
    found.push(...(await list(store, formatDayFolder(table, new Date(now.getTime() - back * 86_400_000)))));
    if (found.length >= limit) return found;
  }
  return list(store, formatTableFolder(table));
}

/** What is not Starlift's is left out. */
export async function list(store: Pick<ObjectStore, 'list'>, prefix: string): Promise<FoundObject[]> {
  const found: FoundObject[] = [];
  for await (const object of store.list(prefix)) {
    const parsed = parseKnownKey(object.key);
    if (parsed !== undefined) found.push({ ...object, parsed });
  }
  return found;
}

const concurrentReads = 16;

/** Completes objects by the numbers of rows that they say of themselves. */
export const readRows = (
  site: Pick<Site, 'ingested' | 'processed'>,
  found: readonly FoundObject[],
): Promise<CountedObject[]> => mapInGroups(found, concurrentReads, (object) => readObject(site, object));

async function readObject(
  site: Pick<Site, 'ingested' | 'processed'>,
  { key, size, lastModified, parsed }: FoundObject,
): Promise<CountedObject> {
  const { zone, table, run, slice } = parsed;
  const metadata = (await site[zone].head(key))?.metadata ?? {};
  return {
    zone,
    table,
    key,
    run,
    slice,
    revision: parsed.zone === 'processed' ? parsed.revision : null,
    bytes: size,
    ...countsOf(parsed, key, metadata),
    putAt: lastModified.toISOString(),
  };
}

function countsOf({ zone }: ObjectKey, key: string, metadata: Record<string, string>) {
  try {
    if (zone === 'ingested') return { rows: parseIngestedMetadata(key, metadata).rows, quarantined: null };
    const { rows, quarantined } = parseProcessedMetadata(key, metadata);
    return { rows, quarantined };
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return { rows: null, quarantined: null };
  }
}
