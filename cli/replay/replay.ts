import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { isCensus, ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../shared/model/model.ts';
import { makeNewestRevisions } from '../../shared/object-store/newest-revisions.ts';
import { formatObjectKey, formatTableFolder, parseObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatLeastRevision } from '../../shared/queue/least-revision.ts';
import { formatObjectCreated } from '../../shared/queue/object-created.ts';
import { sendAll, textAttribute } from '../../shared/queue/send-all.ts';
import type { NamedTables } from '../options/named-tables.ts';
import { hasLedger, tablesOf } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';

export type Zone = 'ingested' | 'processed';

/** Which objects to feed through the pipeline again. The days are those in the keys: of the plan, in UTC. */
export interface ReplaySelection {
  tables: NamedTables;
  zone: Zone;
  /** The first day, YYYY-MM-DD. */
  from?: string;
  /** The last day, YYYY-MM-DD. */
  to?: string;
}

export interface ReplayedTable {
  table: string;
  objects: number;
  /** Slices of the period that were loaded once and no longer have an object in the zone; null where the ledger cannot be asked. */
  lost: number | null;
}

export interface Replay {
  /** The messages' attribute `replay`. */
  id: string;
  tables: ReplayedTable[];
}

type ReplaySite = Pick<Site, 'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'connectWarehouse'>;

/**
 * Puts the objects of a table and a period on their queue once more. Ingested objects are transformed again, as a new
 * revision. Of processed objects the highest revision of each slice is loaded, even if the ledger has it.
 */
export async function replay(
  site: ReplaySite,
  model: Model,
  selection: ReplaySelection,
  {
    dryRun = false,
    now = new Date(),
    id = makeReplayId(now),
  }: { dryRun?: boolean; now?: Date; id?: string } = {},
): Promise<Replay> {
  const tables: ReplayedTable[] = [];
  const all: string[] = [];
  const listEntered = await askEntered(site, selection);
  for (const table of selection.tables[selection.zone === 'ingested' ? 'sources' : 'tables']) {
    const keys = await listReplayed(site[selection.zone], table, selection);
    all.push(...keys);
    const entered = listEntered?.(selection.zone === 'ingested' ? model.source(table).feeds : [table]);
    tables.push({
      table,
      objects: keys.length,
      lost: entered === undefined ? null : countLost(entered, keys),
    });
  }
  if (!dryRun) await sendReplay(site, model, { zone: selection.zone, id, keys: all, now });
  return { id, tables };
}

export const makeReplayId = (now: Date): string =>
  `${now.toISOString().replaceAll(/[-:.]/g, '')}${randomBytes(2).toString('hex')}`;

/**
 * An object that is transformed again has to be loaded again, so its message names a revision that the ledger does not
 * have. An object of the processed zone is loaded under its own name: its message itself says that it is a replay.
 *
 * @param keys of objects in that zone
 */
export async function sendReplay(
  site: ReplaySite,
  model: Model,
  { zone, id, keys, now }: { zone: Zone; id: string; keys: readonly string[]; now: Date },
): Promise<void> {
  const { bucket } = site[zone];
  const leastRevisionOf = zone === 'ingested' ? await readLeastRevisions(site, model, keys, now) : () => 0;
  await sendAll(
    site.sqs,
    site.queueUrl(zone === 'ingested' ? 'transform' : 'load'),
    keys.map((key) => ({
      body: formatObjectCreated({ bucket, key }),
      attributes: { replay: textAttribute(id), ...formatLeastRevision(leastRevisionOf(key)) },
    })),
  );
}

/**
 * Reads which slices of the period the ledger has.
 *
 * @returns the slices of some warehouse tables, as `<run>-<slice>`; undefined where the ledger cannot be asked
 */
async function askEntered(
  site: Pick<Site, 'connectWarehouse'>,
  { tables: { tables }, from, to }: ReplaySelection,
): Promise<((tables: readonly string[]) => ReadonlySet<string>) | undefined> {
  const warehouse = await site.connectWarehouse().catch(() => undefined);
  if (warehouse === undefined) return undefined;
  try {
    await warehouse.query(`begin read only; set local statement_timeout = ${ledgerTimeoutMs}`);
    if (!(await hasLedger(warehouse))) return () => new Set();
    const { rows } = await warehouse.query<{ table: string; id: string; run: string }>(
      `select distinct warehouse_table as table, run || '-' || slice as id, run
         from ${ledgerTable} o where warehouse_table = any($1) and lost_at is null and not ${isCensus('o')}`,
      [tables],
    );
    const within = rows.filter(({ run }) => isWithin(run, { from, to }));
    return (names) => new Set(within.filter(({ table }) => names.includes(table)).map(({ id }) => id));
  } catch {
    return undefined;
  } finally {
    await warehouse.end();
  }
}

function countLost(entered: ReadonlySet<string>, keys: readonly string[]): number {
  const found = new Set(keys.map((text) => parseObjectKey(text)).map(({ run, slice }) => `${run}-${slice}`));
  return [...entered].filter((id) => !found.has(id)).length;
}

/** @param run its id begins with its day */
function isWithin(
  run: string,
  { from = '', to = '9999-12-31' }: { from?: string | undefined; to?: string | undefined },
) {
  const day = `${run.slice(0, 4)}-${run.slice(4, 6)}-${run.slice(6, 8)}`;
  return day >= from && day <= to;
}

async function listReplayed(
  store: Pick<ObjectStore, 'list'>,
  table: string,
  selection: ReplaySelection,
): Promise<string[]> {
  const found: string[] = [];
  const newest = makeNewestRevisions();
  for await (const { key: text } of store.list(formatTableFolder(table))) {
    const key = parseObjectKey(text);
    if (!isWithin(key.run, selection)) continue;
    if (key.zone === 'ingested') found.push(text);
    else newest.add(key);
  }
  return [...found, ...newest.all().map(formatObjectKey)];
}

/** A replay is only sent from here, so it does not wait long for a ledger that is slow or locked. */
const ledgerTimeoutMs = 5000;
const epoch = Date.UTC(2020, 0, 1);

/**
 * Gives for each ingested object the least revision under which it is loaded when it is transformed again: one above all
 * that the ledger has of it, in any of the tables that are made of it. The transform knows what S3 has;
 * S3 may have lost what the ledger still names.
 *
 * If the ledger cannot be asked, for example from outside a stage's network, the seconds since 2020 stand in. They are
 * above every counted revision and above every revision that an earlier clock gave. A clock that is wrong does no
 * harm: rows of one slice have one version, and S3 lists what a clock ahead of this one has put.
 *
 * @param keys of ingested objects
 */
export async function readLeastRevisions(
  site: Pick<Site, 'connectWarehouse'>,
  model: Model,
  keys: readonly string[],
  now: Date,
): Promise<(key: string) => number> {
  if (keys.length === 0) return () => 0;
  const asked = await askLedger(site, model, keys).catch(() => undefined);
  if (asked === undefined) return () => clockRevision(now);
  return (key) => (asked.get(key) ?? -1) + 1;
}

/** It fits the ledger's int until 2088. */
const clockRevision = (now: Date): number => Math.max(0, Math.floor((now.getTime() - epoch) / 1000));

/** @returns the greatest revision in the ledger of each object that it has one of */
async function askLedger(
  site: Pick<Site, 'connectWarehouse'>,
  model: Model,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const greatest = new Map<string, number>();
  const warehouse = await site.connectWarehouse();
  try {
    await warehouse.query(`begin read only; set local statement_timeout = ${ledgerTimeoutMs}`);
    if (!(await hasLedger(warehouse))) return greatest;
    for (const [source, objects] of bySource(keys)) {
      const tables = tablesOf(source, model);
      const runs = [...new Set(objects.map(({ run }) => run))];
      const revisions = await selectGreatest(warehouse, tables, runs);
      for (const { text, run, slice } of objects) {
        const revision = revisions.get(`${run}-${slice}`);
        if (revision !== undefined) greatest.set(text, revision);
      }
    }
    return greatest;
  } finally {
    await warehouse.end();
  }
}

interface IngestedObject {
  text: string;
  run: string;
  slice: string;
}

function bySource(keys: readonly string[]): Map<string, IngestedObject[]> {
  const objects = new Map<string, IngestedObject[]>();
  for (const text of keys) {
    const { table, run, slice } = parseObjectKey(text);
    const ofTable = objects.get(table) ?? [];
    ofTable.push({ text, run, slice });
    objects.set(table, ofTable);
  }
  return objects;
}

/** @returns by `<run>-<slice>`, of all the tables together */
async function selectGreatest(
  warehouse: pg.ClientBase,
  tables: readonly string[],
  runs: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await warehouse.query<{ id: string; revision: number }>(
    `select run || '-' || slice as id, max(revision) as revision
       from ${ledgerTable}
      where warehouse_table = any($1) and run = any($2)
      group by run, slice`,
    [tables, runs],
  );
  return new Map(rows.map(({ id, revision }) => [id, revision]));
}
