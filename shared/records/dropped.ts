import { droppedFolder, formatDroppedKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { QueueKind } from '../queue/queue-settings.ts';
import { parseStateRecord } from './json-record.ts';

/**
 * The content of `state/dropped/<key of the object>.json`: a message that an operator has discarded, because it can never
 * succeed. Sweeps and runs that look for lost work pass over the object.
 */
export interface Dropped {
  queue: QueueKind;
  table?: string;
  /** The object that the message was about. An extract's would be of this key. */
  key: string;
  reason: string;
  /** ISO 8601. */
  droppedAt: string;
}

export const putDropped = (ingested: Pick<ObjectStore, 'put'>, dropped: Dropped): Promise<void> =>
  ingested.put(formatDroppedKey(dropped.key), Buffer.from(JSON.stringify({ version: 1, ...dropped })));

/** The keys of the objects whose messages were discarded. */
export async function listDropped(ingested: Pick<ObjectStore, 'list'>): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const { key } of ingested.list(droppedFolder))
    keys.add(key.slice(droppedFolder.length, -'.json'.length));
  return keys;
}

/** @throws {TerminalError} a mark is not what `putDropped` writes; the message names its key */
export async function readDropped(ingested: Pick<ObjectStore, 'get' | 'list'>): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for await (const { key } of ingested.list(droppedFolder)) {
    const object = await ingested.get(key);
    if (object === undefined) continue;
    dropped.push(parseStateRecord(key, object.body, isDropped) as unknown as Dropped);
  }
  return dropped;
}

const isDropped = ({ queue, key, reason, droppedAt }: Record<string, unknown>): boolean =>
  [queue, key, reason, droppedAt].every((value) => typeof value === 'string');
