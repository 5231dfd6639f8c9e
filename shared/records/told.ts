import { createHash } from 'node:crypto';
import { formatToldKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseStateRecord } from './json-record.ts';

/** A cause is reported once in this time: a missing grant that fails hundreds of slices sends one mail an hour. */
const quietMs = 3_600_000;

/**
 * Notes that a cause is reported to an operator, unless that was noted within the last hour.
 *
 * A record that cannot be read or written counts as news: too many mails are better than none.
 *
 * @param cause what makes two failures the same
 */
export async function isFirstInHour(
  ingested: Pick<ObjectStore, 'get' | 'replace'>,
  cause: readonly string[],
  now: Date,
): Promise<boolean> {
  const key = formatToldKey(createHash('sha256').update(JSON.stringify(cause)).digest('hex').slice(0, 32));
  try {
    const known = await ingested.get(key);
    if (known !== undefined && now.getTime() - toldAt(key, known.body) < quietMs) return false;
    const record = { version: 1, at: now.toISOString(), cause };
    return await ingested.replace(key, Buffer.from(JSON.stringify(record)), known?.etag);
  } catch {
    return true;
  }
}

function toldAt(key: string, body: Uint8Array): number {
  const { at } = parseStateRecord(key, body, (value) => typeof value.at === 'string');
  return Date.parse(String(at));
}
