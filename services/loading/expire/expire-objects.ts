import type pg from 'pg';
import { mapInGroups } from '../../../shared/in-groups.ts';
import { ledgerTable, tableTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import { isNextName, type Model } from '../../../shared/model/model.ts';
import {
  backfillKey,
  formatQuarantineFolder,
  formatTableFolder,
  type ObjectKey,
  parseKnownKey,
  timeOfRun,
} from '../../../shared/object-store/object-key.ts';
import type { ListedObject, ObjectStore } from '../../../shared/object-store/object-store.ts';
import { collectQuarantine } from '../../../shared/quarantine/collect-quarantine.ts';
import { fileOfDropRecord } from '../../../shared/quarantine/quarantine-file.ts';
import { type KnownSlices, makeKnownSlices } from '../../../shared/records/plan/slices.ts';

export interface TableToExpire {
  /** Of the source. */
  table: string;
  /** Runs before then. */
  before: Date;
}

export interface ExpiredTable {
  /** Of the source. */
  table: string;
  /** ISO 8601: runs before then. */
  before: string;
  ingested: number;
  processed: number;
  /** Quarantine files without a row that still counts. */
  quarantined: number;
  bytes: number;
  /** Objects and files that are as old and stay: they are not loaded, or have rows that still count as bad. */
  kept: number;
}

/** Why the objects are needed now. */
export type Need = { kind: 'rebuild'; table: string } | { kind: 'migration' } | { kind: 'backfill' };

export interface Expiry {
  /** Those that were begun. */
  tables: ExpiredTable[];
  /** undefined unless it was this that kept the rest from being deleted. */
  need: Need | undefined;
  /** All was looked at; otherwise the next time goes on. */
  isComplete: boolean;
}

export interface ExpireDeps {
  /** The model in force. */
  readModel(): Promise<Model>;
  ingested: Pick<ObjectStore, 'get' | 'head' | 'list' | 'delete'>;
  processed: Pick<ObjectStore, 'get' | 'list' | 'delete'>;
  /** Has the ledger. */
  warehouse: pg.ClientBase;
  warehouseSchema: string;
}

export interface ExpireOptions {
  tables: readonly TableToExpire[];
  dryRun: boolean;
  /** Asked before each piece of 1,000 objects; undefined: as long as it takes. */
  hasTime?: () => boolean;
}

/** Objects about which the ledger is asked at a time. */
const pieceSize = 1000;
const concurrentDeletes = 16;

/**
 * Deletes the objects of runs that are older, once the warehouse has what is in them. What has not been loaded stays, however old
 * it is, and so do bad rows that still count: without their file nothing would say why the warehouse lacks them.
 *
 * The ingested object goes before what was made of it: nothing then takes it for one that was never transformed.
 *
 * It stops before the next piece where a rebuild, a backfill or a migration has begun, which need the objects.
 */
export async function expireObjects(
  deps: ExpireDeps,
  { tables, dryRun, hasTime = () => true }: ExpireOptions,
): Promise<Expiry> {
  const expired: ExpiredTable[] = [];
  for (const { table, before } of tables) {
    const one = { table, before: before.toISOString(), ...noObjects() };
    const stopped = await expireTable(deps, { table, before }, { of: one, dryRun, hasTime });
    if (stopped === undefined || one.ingested + one.processed + one.quarantined > 0) expired.push(one);
    if (stopped !== undefined)
      return { tables: expired, need: stopped === 'no time' ? undefined : stopped, isComplete: false };
  }
  return { tables: expired, need: undefined, isComplete: true };
}

const noObjects = () => ({ ingested: 0, processed: 0, quarantined: 0, bytes: 0, kept: 0 });

/** @returns what has stopped it; undefined if nothing did */
async function expireTable(
  deps: ExpireDeps,
  { table, before }: TableToExpire,
  { of, dryRun, hasTime }: { of: ExpiredTable; dryRun: boolean; hasTime: () => boolean },
): Promise<Need | 'no time' | undefined> {
  const { ingested, processed, warehouse } = deps;
  const model = await deps.readModel();
  const { feeds } = model.source(table);
  const first = hasTime() ? await findNeed(deps) : 'no time';
  if (first !== undefined) return first;
  const bad = await collectQuarantine({ ...deps, withWarehouse: (work) => work(warehouse) }, model, feeds);
  const counting = bad.filter(({ quarantined }) => quarantined > 0);
  const needed = new Set(counting.map(({ ingested: key }) => key));
  const files = new Set(counting.map(({ file }) => file));

  type Zone = { store: Pick<ObjectStore, 'delete'>; count: 'ingested' | 'processed' | 'quarantined' };
  const steps: (Zone & { found: AsyncIterable<OldObject>; areReady: AreReady })[] = [
    {
      ...{ store: ingested, count: 'ingested', found: listOld(ingested, table, before) },
      areReady: async (piece) => {
        const loaded = await readLoaded(warehouse, feeds, piece);
        return ({ key, parsed }) =>
          parsed !== undefined && !needed.has(key) && feeds.every((feed) => loaded.has(feed, parsed));
      },
    },
    ...feeds.map((feed): (typeof steps)[number] => ({
      ...{ store: processed, count: 'processed', found: listOld(processed, feed, before) },
      areReady: async (piece) => {
        const loaded = await readLoaded(warehouse, [feed], piece);
        return ({ parsed }) => parsed !== undefined && loaded.has(feed, parsed);
      },
    })),
    ...feeds.map((feed): (typeof steps)[number] => ({
      ...{ store: processed, count: 'quarantined', found: listFiles(processed, feed, before) },
      areReady:
        async () =>
        ({ key }) =>
          !files.has(fileOfDropRecord(key) ?? key),
    })),
  ];
  for (const { store, count, found, areReady } of steps) {
    for await (const piece of piecesOf(found)) {
      // A piece takes seconds, and whatever needs the objects may begin at any time.
      const stopped = hasTime() ? await findNeed(deps) : 'no time';
      if (stopped !== undefined) return stopped;
      const ready = piece.filter(await areReady(piece));
      if (!dryRun) await mapInGroups(ready, concurrentDeletes, ({ key }) => store.delete(key));
      of[count] += ready.length;
      of.kept += piece.length - ready.length;
      if (count !== 'quarantined') of.bytes += ready.reduce((sum, { size }) => sum + size, 0);
    }
  }
  return undefined;
}

type AreReady = (piece: readonly OldObject[]) => Promise<(object: OldObject) => boolean>;

/** What needs the objects now, if anything does. */
async function findNeed({ readModel, ingested, warehouse }: ExpireDeps): Promise<Need | undefined> {
  const { rows } = await warehouse.query<{ table: string }>(
    `select warehouse_table as table from ${tableTable} where rebuild_started_at is not null`,
  );
  if (rows[0] !== undefined) return { kind: 'rebuild', table: rows[0].table };
  if ((await readModel()).tables.some(({ name }) => isNextName(name))) return { kind: 'migration' };
  return (await ingested.head(backfillKey)) === undefined ? undefined : { kind: 'backfill' };
}

/** The slices of these objects that the ledger has, in any revision. */
async function readLoaded(
  warehouse: pg.ClientBase,
  tables: readonly string[],
  objects: readonly OldObject[],
): Promise<Pick<KnownSlices, 'has'>> {
  const runs = [...new Set(objects.flatMap(({ parsed }) => parsed?.run ?? []))];
  const { rows } = await warehouse.query<{ table: string; run: string; slice: string }>(
    `select distinct warehouse_table as table, run, slice from ${ledgerTable}
      where warehouse_table = any($1) and run = any($2)`,
    [tables, runs],
  );
  const loaded = makeKnownSlices();
  for (const { table, ...slice } of rows) loaded.add(table, slice);
  return loaded;
}

interface OldObject extends ListedObject {
  /** undefined for a quarantine file. */
  parsed: ObjectKey | undefined;
}

/** By the run that they are of, and by when they were put: a replay of an old run has made new ones. */
async function* listOld(
  store: Pick<ObjectStore, 'list'>,
  table: string,
  before: Date,
): AsyncIterable<OldObject> {
  for await (const object of store.list(formatTableFolder(table))) {
    const parsed = parseKnownKey(object.key);
    if (parsed === undefined) continue;
    // Keys are listed in the order of their runs.
    if (timeOfRun(parsed.run) >= before) return;
    if (object.lastModified < before) yield { ...object, parsed };
  }
}

async function* listFiles(
  processed: Pick<ObjectStore, 'list'>,
  feed: string,
  before: Date,
): AsyncIterable<OldObject> {
  for await (const object of processed.list(formatQuarantineFolder(feed)))
    if (object.lastModified < before) yield { ...object, parsed: undefined };
}

async function* piecesOf(objects: AsyncIterable<OldObject>): AsyncIterable<OldObject[]> {
  let piece: OldObject[] = [];
  for await (const object of objects) {
    piece.push(object);
    if (piece.length < pieceSize) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
