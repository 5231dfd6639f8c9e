import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { TransientError } from '../errors.ts';
import { collectAndRelease } from '../release-memory.ts';

export interface StoredObject {
  /** In memory of its own, which its reader may free. */
  body: Uint8Array;
  metadata: Record<string, string>;
  etag: string;
}

export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
  lastModified: Date;
}

export type PutOutcome = 'created' | 'already there';

/**
 * One bucket. Only `state/` is ever replaced, and only as it was read. Objects in the zones are immutable, but for what is to be
 * forgotten: then they are replaced by the same without it.
 */
export interface ObjectStore {
  readonly bucket: string;
  /** undefined if there is no such object */
  get(key: string): Promise<StoredObject | undefined>;
  head(key: string): Promise<Omit<StoredObject, 'body'> | undefined>;
  /** Creates an object. An existing object stays as it is (`If-None-Match: *`). */
  create(key: string, body: Uint8Array, metadata?: Record<string, string>): Promise<PutOutcome>;
  /**
   * Replaces the object that was read with this etag, or creates it if the etag is undefined.
   * @returns false if another writer was faster
   */
  replace(
    key: string,
    body: Uint8Array,
    etag: string | undefined,
    metadata?: Record<string, string>,
  ): Promise<boolean>;
  /** Puts without a condition: for records that any writer may write again. */
  put(key: string, body: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** In the order of the keys' bytes; with `after`, only keys behind it. */
  list(prefix: string, after?: string): AsyncIterable<ListedObject>;
}

/**
 * Makes the store of one bucket.
 *
 * @throws {TransientError} of `get`: the bytes are damaged; of the conditional writes: another one is under way. Other
 *   failures are the SDK's own, see `toPipelineError`
 */
/** Whether any key begins with the prefix. */
export async function hasAny(store: Pick<ObjectStore, 'list'>, prefix: string): Promise<boolean> {
  for await (const _ of store.list(prefix)) return true;
  return false;
}

export function makeObjectStore(s3: S3Client, bucket: string): ObjectStore {
  const at = (key: string) => ({ Bucket: bucket, Key: key });
  return {
    bucket,
    get: (key) => orUndefined(() => getObject(s3, bucket, key)),
    head: (key) =>
      orUndefined(async () => {
        const { Metadata, ETag } = await s3.send(new HeadObjectCommand(at(key)));
        return { metadata: Metadata ?? {}, etag: ETag ?? '' };
      }),
    create: async (key, body, metadata = {}) => {
      const put = new PutObjectCommand({ ...at(key), Body: body, Metadata: metadata, IfNoneMatch: '*' });
      return (await conditionally(key, () => s3.send(put))) ? 'created' : 'already there';
    },
    replace: (key, body, etag, metadata = {}) => {
      const condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag };
      return conditionally(key, () =>
        s3.send(new PutObjectCommand({ ...at(key), Body: body, Metadata: metadata, ...condition })),
      );
    },
    put: async (key, body) => {
      await s3.send(new PutObjectCommand({ ...at(key), Body: body }));
    },
    delete: async (key) => {
      await s3.send(new DeleteObjectCommand(at(key)));
    },
    list: (prefix, after) => listObjects(s3, bucket, prefix, after),
  };
}

async function getObject(s3: S3Client, bucket: string, key: string): Promise<StoredObject> {
  const { Body, Metadata, ETag } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (Body === undefined) throw new TransientError('S3 answered without a body', { key });
  // The SDK's own collector leaves the parts, as much memory again, to the garbage collector.
  const body = await collectAndRelease(Body as Readable).catch((error: unknown) => {
    throw isChecksumMismatch(error) ? damaged(`${bucket}/${key}`, key, error) : error;
  });
  return { body, metadata: Metadata ?? {}, etag: ETag ?? '' };
}

/** The SDK's message does not name the object, and its error has no class of its own. */
const isChecksumMismatch = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('Checksum mismatch');

/** Damaged in transit, which another attempt heals, or in S3 itself. */
const damaged = (name: string, key: string, cause: unknown): TransientError =>
  new TransientError(`${name} is damaged: its bytes do not match its checksum`, {
    key,
    cause,
  });

async function* listObjects(
  s3: S3Client,
  bucket: string,
  prefix: string,
  after: string | undefined,
): AsyncIterable<ListedObject> {
  const input = { Bucket: bucket, Prefix: prefix, StartAfter: after };
  for await (const page of paginateListObjectsV2({ client: s3 }, input)) {
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (Key !== undefined) yield { key: Key, size: Size ?? 0, lastModified: LastModified ?? new Date(0) };
    }
  }
}

async function orUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NoSuchKey || error instanceof NotFound) return undefined;
    throw error;
  }
}

/**
 * S3 answers 412 when the condition does not hold and 409 when another conditional write of the key is under
 * way, whose outcome is not known yet.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
async function conditionally(key: string, put: () => Promise<unknown>): Promise<boolean> {
  try {
    await put();
    return true;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === 412) return false;
    if (status === 409)
      throw new TransientError('another write of the object is under way', { key, cause: error });
    throw error;
  }
}
