import { createHash } from 'node:crypto';
import type { Refuser } from '../errors.ts';
import { retryingFolder } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { QueueKind } from '../queue/queue-settings.ts';
import { parseStateRecord } from './json-record.ts';

/**
 * The content of `state/retrying/<queue>/<hash of the body>.json`: a message that has failed and is tried again. It is put
 * at each failure, and deleted when the message is done or a dead letter.
 */
export interface Retrying {
  queue: QueueKind;
  table?: string;
  key?: string;
  /** Attempts that count, of `maxAttempts`; a refusal does not count. */
  attempts: number;
  /** What refused, where the last attempt was refused. */
  by?: Refuser;
  error: string;
  reason: string;
  /** ISO 8601: when the message was sent first. */
  waitingSince: string;
  /** ISO 8601: when it was tried last. */
  triedAt: string;
  /** ISO 8601. */
  nextAt: string;
}

/** A copy of the message has the same body, and so the same key. */
export const formatRetryingKey = (queue: QueueKind, body: string): string =>
  `${retryingFolder}${queue}/${createHash('sha256').update(body).digest('hex').slice(0, 32)}.json`;

export async function putRetrying(
  ingested: Pick<ObjectStore, 'put'>,
  body: string,
  retrying: Retrying,
): Promise<void> {
  const content = JSON.stringify({ version: 1, ...retrying });
  await ingested.put(formatRetryingKey(retrying.queue, body), Buffer.from(content));
}

/**
 * All messages that are being retried, at most `limit`.
 *
 * @throws {TerminalError} an object is not what Starlift writes; the message names its key and what to do
 */
export async function readRetrying(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Retrying[]> {
  const found: Retrying[] = [];
  for await (const { key } of ingested.list(retryingFolder)) {
    const object = await ingested.get(key);
    // Its message is done since.
    if (object === undefined) continue;
    found.push(parseRetrying(key, object.body));
    if (found.length >= limit) break;
  }
  return found;
}

/** @throws {TerminalError} it is not what `putRetrying` writes; the message names its key and what to do */
export const parseRetrying = (key: string, body: Uint8Array): Retrying =>
  parseStateRecord(key, body, isRetrying) as unknown as Retrying;

const isRetrying = (value: Record<string, unknown>): boolean =>
  Number.isInteger(value.attempts) &&
  ['queue', 'error', 'reason', 'waitingSince', 'triedAt', 'nextAt'].every(
    (name) => typeof value[name] === 'string',
  ) &&
  ['table', 'key', 'by'].every((name) => ['string', 'undefined'].includes(typeof value[name]));
