import { randomUUID } from 'node:crypto';
import { TerminalError } from '../../errors.ts';
import { formatRequestKey, requestFolder } from '../../object-store/object-key.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { parseJsonRecord } from '../json-record.ts';

/** The content of `state/requests/<id>.json`: the next plan reads tables in full, and then deletes it. */
export interface ResyncRequest {
  /** Unique, so that deleting it never takes a later request along. */
  id: string;
  /** A clause, such as "the warehouse was restored from a backup". */
  reason: string;
  /** ISO 8601. */
  requestedAt: string;
  /** Of the source; absent: all of them. */
  tables?: string[];
}

/**
 * @param reason a clause, see `ResyncRequest`
 * @param tables of the source; all of them where it is left out
 */
export function makeResyncRequest(reason: string, now: Date, tables?: readonly string[]): ResyncRequest {
  const request: ResyncRequest = { id: randomUUID(), reason, requestedAt: now.toISOString() };
  if (tables !== undefined) request.tables = [...tables];
  return request;
}

/** Asks the next plan to read the request's tables in full. */
export async function putResyncRequest(
  ingested: Pick<ObjectStore, 'create'>,
  request: ResyncRequest,
): Promise<void> {
  await ingested.create(
    formatRequestKey(request.id),
    Buffer.from(JSON.stringify({ version: 1, ...request })),
  );
}

/** @throws {TerminalError} a request is not what `putResyncRequest` writes; the message names its key */
export async function listResyncRequests(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
): Promise<ResyncRequest[]> {
  const requests: ResyncRequest[] = [];
  for await (const { key } of ingested.list(requestFolder)) {
    const object = await ingested.get(key);
    if (object !== undefined) requests.push(parseRequest(key, object.body));
  }
  return requests;
}

/** Deletes the requests that a plan has fulfilled. */
export async function deleteResyncRequests(
  ingested: Pick<ObjectStore, 'delete'>,
  requests: readonly ResyncRequest[],
): Promise<void> {
  for (const { id } of requests) await ingested.delete(formatRequestKey(id));
}

function parseRequest(key: string, body: Uint8Array): ResyncRequest {
  const malformed = (cause?: unknown) =>
    new TerminalError(`${key} is not a resync request. Delete it, and request the resync again`, {
      key,
      cause,
    });
  const { version, id, reason, requestedAt, tables } = parseJsonRecord(body, (_, cause) => malformed(cause));
  const isWhole = typeof id === 'string' && typeof reason === 'string' && typeof requestedAt === 'string';
  if (version !== 1 || !isWhole || formatRequestKey(id) !== key) throw malformed();
  if (tables === undefined) return { id, reason, requestedAt };
  if (!Array.isArray(tables) || !tables.every((table) => typeof table === 'string')) throw malformed();
  return { id, reason, requestedAt, tables };
}
