import { NoSuchKey } from '@aws-sdk/client-s3';
import { mapInGroups } from '../../shared/in-groups.ts';
import { formatFailedKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { sliceOf } from '../site/dead-letter.ts';

/** The record of a failed extract under `failed/` in the ingested bucket: it outlives the dead letter. */
export interface FailedRecord {
  key: string;
  etag: string;
  /** The extract message. */
  body: string;
  table: string;
  error: string;
  reason: string;
  /** ISO 8601. */
  failedAt: string;
  /** ISO 8601; absent until an operator has sent the message again. */
  redrivenAt?: string;
}

const concurrentReads = 16;

/** All failed extracts, also those whose dead letter has expired. Other objects are skipped. */
export async function listFailedRecords(
  ingested: Pick<ObjectStore, 'list' | 'get'>,
): Promise<FailedRecord[]> {
  const keys = [...(await listRecordKeys(ingested))];
  const records = await mapInGroups(keys, concurrentReads, (key) => readRecord(ingested, key));
  return records.filter((record) => record !== undefined);
}

export async function listRecordKeys(ingested: Pick<ObjectStore, 'list'>): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of ingested.list('failed/')) keys.add(key);
  return keys;
}

async function readRecord(
  ingested: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<FailedRecord | undefined> {
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const content = parse(object.body);
  const slice = sliceOf(content.body ?? '');
  if (content.body === undefined || slice === undefined) return undefined;
  const { body, redrivenAt, table = slice.table, error = '', reason = '', failedAt = '' } = content;
  const record = { key, etag: object.etag, body, table, error, reason, failedAt };
  return redrivenAt === undefined ? record : { ...record, redrivenAt };
}

function parse(body: Uint8Array): Partial<Record<string, string>> {
  try {
    const value = (JSON.parse(Buffer.from(body).toString()) ?? {}) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}

/** The key of the record that the extract message's failure has left; undefined if the body is not such a message. */
export function failedKeyOf(body: string): string | undefined {
  const slice = sliceOf(body);
  return slice && formatFailedKey(slice.run, slice.slice);
}

/**
 * Notes that the message of a record has been sent again. A record that has changed since it was read stays as it
 * is: its extract has succeeded, or failed once more.
 */
export async function markRedriven(
  ingested: Pick<ObjectStore, 'replace'>,
  { key, etag, ...content }: FailedRecord,
  redrivenAt: string,
): Promise<void> {
  try {
    await ingested.replace(key, Buffer.from(JSON.stringify({ ...content, redrivenAt })), etag);
  } catch (error) {
    if (!(error instanceof NoSuchKey)) throw error;
  }
}
