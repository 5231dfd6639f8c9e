import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { buckets } from '../../../cli/embedded/resources.ts';
import {
  formatObjectKey,
  formatRunId,
  type ObjectKey,
  parseObjectKey,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore, StoredObject } from '../../../shared/object-store/object-store.ts';
import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import type { InlineRoad } from '../../helpers/inline-road/inline-road.ts';

/** One kind of poison: what is put where, and what must come of it. */
export interface Poison {
  queue: QueueKind;
  kind: string;
  /** Puts what has to lie in the buckets. */
  make(road: InlineRoad): Promise<Made>;
  expected: Expected;
}

/** The body of a message to be sent; or the key of an object that was put, whose event S3 sends by itself. */
export type Made = { body: string } | { key: string };

export type Expected =
  | { end: 'dead letter'; reason: RegExp; table?: string; key?: RegExp }
  | { end: 'quarantine'; table: string; rows: number }
  | { end: 'nothing' };

type Zone = 'ingested' | 'processed';
type Bytes = Uint8Array;

const run = formatRunId(new Date(Date.now() - 1000), 'dead');
let slices = 0;

/** The key of an object that nobody has put yet. */
export function newKey(zone: Zone, table: string): string {
  const slice = String(9000 + slices++);
  const key: ObjectKey =
    zone === 'ingested' ? { zone, table, run, slice } : { zone, table, run, slice, revision: 0 };
  return formatObjectKey(key);
}

/** The event of an object, as S3 writes it. */
export const eventOf = (zone: Zone, key: string, bucket: string = buckets[zone]): string =>
  JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        s3: { bucket: { name: bucket }, object: { key: key.replaceAll(' ', '+') } },
      },
    ],
  });

/** Some whole object of a table, as the product has put it. */
export async function wholeObject(store: ObjectStore, table: string): Promise<StoredObject> {
  for await (const { key, size } of store.list(`${table}/`)) {
    const object = size > 0 && parseObjectKey(key).run !== run ? await store.get(key) : undefined;
    if (object !== undefined && Number(object.metadata.rows) > 0) return object;
  }
  throw new Error(`no object of ${table} is there yet`);
}

/** A whole object with its bytes or its metadata changed, under a key of its own. */
export const spoiled =
  (zone: Zone, table: string, change: (object: StoredObject) => Partial<StoredObject>, under = table) =>
  async (road: InlineRoad): Promise<Made> => {
    const store = zone === 'ingested' ? road.ingested : road.processed;
    const object = await wholeObject(store, table);
    const { body, metadata } = { ...object, ...change(object) };
    const key = newKey(zone, under);
    await store.create(key, body, metadata);
    return { key };
  };

export const truncated = ({ body }: StoredObject) => ({ body: body.slice(0, body.length - 9) });
export const empty = () => ({ body: new Uint8Array() });
export const noise = () => ({ body: Uint8Array.from({ length: 400 }, (_, n) => (n * 97 + 13) % 251) });
export const unchanged = () => ({});
export const withoutMetadata = () => ({ metadata: {} });

/** The lines changed and compressed anew. */
export const lines =
  (change: (text: string) => string) =>
  ({ body }: StoredObject): { body: Bytes } => ({
    body: zstdCompressSync(change(zstdDecompressSync(body).toString())),
  });

/** An object that is deleted before its event is read. */
export const deleted =
  (zone: Zone, table: string) =>
  async (road: InlineRoad): Promise<Made> => {
    const store = zone === 'ingested' ? road.ingested : road.processed;
    const key = newKey(zone, table);
    const { body, metadata } = await wholeObject(store, table);
    await store.create(key, body, metadata);
    await store.delete(key);
    return { key };
  };

export const message = (body: string) => async (): Promise<Made> => ({ body });

/** Of 256 KiB to the byte, which leaves no room for an attribute. */
export function fill(text: string): string {
  const { length } = Buffer.from(text);
  return text.replace(/\}$/, `,"pad":"${'x'.repeat(256 * 1024 - length - 9)}"}`);
}
