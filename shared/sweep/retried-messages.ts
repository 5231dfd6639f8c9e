import { retryingFolder } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { mainRetentionSeconds, type QueueKind } from '../queue/queue-settings.ts';
import { parseRetrying, type Retrying } from '../records/retrying.ts';

export interface RetriedDeps {
  ingested: Pick<ObjectStore, 'get' | 'list' | 'delete'>;
  queue: QueueKind;
  /** Messages on the queue, in flight and delayed included. */
  queued: number;
  /** Whether the work of the message that names this key is done. */
  isDone(key: string): boolean | Promise<boolean>;
  now: Date;
}

/** A message that is due is received within seconds, and its note deleted or put again within minutes. */
const overdueMs = 15 * 60 * 1000;

/**
 * The keys that messages name which are still being retried: their copies may live longer than any message, and a sweep
 * must not send one more.
 *
 * A note whose message is gone is deleted, because nothing else would: its function has died between the work and the
 * note, or the message has expired. What such a message was to bring is no longer passed over.
 */
export async function listRetriedKeys(deps: RetriedDeps): Promise<ReadonlySet<string>> {
  const { ingested, queue } = deps;
  const keys = new Set<string>();
  for await (const { key: note } of ingested.list(`${retryingFolder}${queue}/`)) {
    const object = await ingested.get(note);
    // Its message is done since.
    if (object === undefined) continue;
    const retrying = parseRetrying(note, object.body);
    if (await isOver(retrying, deps)) await ingested.delete(note);
    else if (retrying.key !== undefined) keys.add(retrying.key);
  }
  return keys;
}

async function isOver({ key, nextAt }: Retrying, { queued, isDone, now }: RetriedDeps): Promise<boolean> {
  const overdue = now.getTime() - Date.parse(nextAt);
  if (overdue < overdueMs) return false;
  if (queued === 0 || overdue > 1000 * mainRetentionSeconds) return true;
  return key !== undefined && (await isDone(key));
}
