import { randomBytes } from 'node:crypto';
import { formatObjectKey, parseObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatLeastRevision } from '../../shared/queue/least-revision.ts';
import { formatObjectCreated } from '../../shared/queue/object-created.ts';
import { sendAll, textAttribute } from '../../shared/queue/send-all.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import type { NamedTables } from '../options/named-tables.ts';
import type { Site } from '../site/site.ts';
import { readLeastRevisions } from './least-revisions.ts';
import { makeNewestRevisions, tableFolder } from './table-objects.ts';

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
}

export interface Replay {
  /** The messages' attribute `replay`. */
  id: string;
  tables: ReplayedTable[];
}

type ReplaySite = Pick<Site, 'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'connectWarehouse'>;

/**
 * Puts the objects of a table and a period on their queue once more: ingested ones are transformed anew, as a new
 * revision; of processed ones the highest revision of each slice is loaded, the ledger notwithstanding.
 */
export async function replay(
  site: ReplaySite,
  model: StarSchema,
  selection: ReplaySelection,
  { dryRun = false, now = new Date() }: { dryRun?: boolean; now?: Date } = {},
): Promise<Replay> {
  const id = makeReplayId(now);
  const tables: ReplayedTable[] = [];
  const all: string[] = [];
  for (const table of selection.tables[selection.zone === 'ingested' ? 'sources' : 'tables']) {
    const keys = await listReplayed(site[selection.zone], table, selection);
    all.push(...keys);
    tables.push({ table, objects: keys.length });
  }
  if (!dryRun) await sendReplay(site, model, { zone: selection.zone, id, keys: all, now });
  return { id, tables };
}

export const makeReplayId = (now: Date): string =>
  `${now.toISOString().replaceAll(/[-:.]/g, '')}${randomBytes(2).toString('hex')}`;

/**
 * What is transformed anew has to be loaded anew: its message names a revision that the ledger does not have. An object
 * of the processed zone is loaded under the name that it has, for its message itself says that it is a replay's.
 *
 * @param keys of objects in that zone
 */
export async function sendReplay(
  site: ReplaySite,
  model: StarSchema,
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

async function listReplayed(
  store: Pick<ObjectStore, 'list'>,
  table: string,
  { from = '', to = '9999-12-31' }: ReplaySelection,
): Promise<string[]> {
  const found: string[] = [];
  const newest = makeNewestRevisions();
  for await (const { key: text } of store.list(tableFolder(table))) {
    const key = parseObjectKey(text);
    const day = `${key.run.slice(0, 4)}-${key.run.slice(4, 6)}-${key.run.slice(6, 8)}`;
    if (day < from || day > to) continue;
    if (key.zone === 'ingested') found.push(text);
    else newest.add(key);
  }
  return [...found, ...newest.all().map(formatObjectKey)];
}
