import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { releaseMemory } from '../../../shared/release-memory.ts';
import { computeChecksum, S3Error, type S3Object, S3Store } from './fauxqs.ts';
import { type Page, type PageRequest, SortedKeys, takePage } from './list-page.ts';
import type { Notifications, ObjectCreated } from './notifications.ts';
import { refuse } from './object-files.ts';

const noBytes = Buffer.alloc(0);

/** fauxqs' buckets with conditional puts, notifications, and S3's listing order. */
export class BucketStore extends S3Store {
  /**
   * The headers of the request being answered. fauxqs does not hand them to its store, and only there
   * is no gap between the check of a condition and the write: of 20 racing writers one must win.
   */
  readonly request = new AsyncLocalStorage<IncomingHttpHeaders>();
  readonly #keys = new Map<string, SortedKeys>();
  readonly #notifications: Notifications;

  constructor(notifications: Notifications) {
    super();
    this.#notifications = notifications;
  }

  override createBucket(...args: Parameters<S3Store['createBucket']>): void {
    super.createBucket(...args);
    if (!this.#keys.has(args[0])) this.#keys.set(args[0], new SortedKeys());
  }

  override deleteBucket(bucket: string): void {
    super.deleteBucket(bucket);
    this.#keys.delete(bucket);
  }

  /** Keeps the object's metadata. Its body is read from its file: one empty buffer stands for each. */
  override restoreObject(bucket: string, object: S3Object): void {
    super.restoreObject(bucket, { ...object, body: noBytes });
    this.#keys.get(bucket)?.add(object.key);
  }

  override putObject(...args: Parameters<S3Store['putObject']>): S3Object {
    const [bucket, sliced, ...rest] = args;
    // Else the bucket keeps the address of the request, of which V8 makes the key a slice.
    const key = Buffer.from(sliced).toString();
    const isCopy = this.request.getStore()?.['x-amz-copy-source'] !== undefined;
    const event = isCopy ? 'ObjectCreated:Copy' : 'ObjectCreated:Put';
    return this.#create(event, bucket, makeObject(bucket, key, ...rest));
  }

  override deleteObject(bucket: string, key: string): void {
    super.deleteObject(bucket, key);
    this.#keys.get(bucket)?.delete(key);
  }

  override listObjects(
    ...[bucket, options = {}]: Parameters<S3Store['listObjects']>
  ): ReturnType<S3Store['listObjects']> {
    const { prefix = '', delimiter = '', maxKeys = 1000, startAfter, marker } = options;
    const page = this.list(bucket, { prefix, delimiter, maxKeys, after: startAfter ?? marker ?? '' });
    const objects = page.keys.map((key) => this.headObject(bucket, key));
    return { objects, commonPrefixes: page.commonPrefixes, isTruncated: page.next !== undefined };
  }

  // Parts would have to outlive the process too, and nothing here needs an object above one put's limit.
  override createMultipartUpload(): never {
    return refuse();
  }

  override renameObject(): never {
    return refuse();
  }

  override putBucketLifecycleConfiguration(): never {
    return refuse();
  }

  override deleteBucketLifecycleConfiguration(): never {
    return refuse();
  }

  /** @throws {S3Error} NoSuchBucket */
  list(bucket: string, request: PageRequest): Page {
    return takePage(this.#keysOf(bucket), request);
  }

  #create(event: ObjectCreated, bucket: string, object: S3Object): S3Object {
    const { key } = object;
    const etag = this.#keysOf(bucket).has(key) ? this.headObject(bucket, key).etag : undefined;
    assertPutCondition(this.request.getStore() ?? {}, etag, `/${bucket}/${key}`);
    this.#notifications.owe(bucket, key);
    this.persistence?.upsertObject(bucket, object);
    this.restoreObject(bucket, object);
    this.#notifications.send(bucket, object, event);
    // The request's, which is in its file now.
    releaseMemory(object.body);
    return object;
  }

  /** @throws {S3Error} NoSuchBucket */
  #keysOf(bucket: string): SortedKeys {
    const keys = this.#keys.get(bucket);
    if (keys === undefined) super.listObjects(bucket);
    return keys ?? new SortedKeys();
  }
}

type PutArguments = Parameters<S3Store['putObject']>;

/** Of a body up to here the ETag is its MD5, bytes. */
const maxHashedBytes = 64 * 1024;

/**
 * What a put makes, as fauxqs' own store does, but for the ETag of a large body, and with its checksum compared.
 *
 * @throws {S3Error} BadDigest (400): the body is not what the client sent
 */
function makeObject(
  ...[bucket, key, body, contentType, metadata, systemMetadata, checksum]: PutArguments
): S3Object {
  if (checksum !== undefined) assertChecksum(body, checksum, `/${bucket}/${key}`);
  return {
    key,
    body,
    contentLength: body.length,
    etag: makeEtag(body),
    lastModified: new Date(),
    contentType: contentType ?? 'application/octet-stream',
    metadata: metadata ?? {},
    ...systemMetadata,
    ...(checksum && {
      checksumAlgorithm: checksum.algorithm,
      checksumValue: checksum.value,
      checksumType: checksum.type,
    }),
  };
}

function assertChecksum(
  body: Buffer,
  { algorithm, value }: NonNullable<PutArguments[6]>,
  path: string,
): void {
  if (computeChecksum(algorithm, body) === value) return;
  throw new S3Error('BadDigest', `The ${algorithm} you specified did not match what we received.`, 400, path);
}

/**
 * A large object's is another for each put, in the form that S3 gives to what came in parts: by its dash clients
 * know that it is not an MD5. An MD5 of every body costs CPU time, and says what the checksum already says.
 */
function makeEtag(body: Buffer): string {
  if (body.length > maxHashedBytes) return `"${randomBytes(16).toString('hex')}-1"`;
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

/**
 * Checks the conditional headers of a put against the object that is there now, as S3 does.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 *
 * @param etag of the object there now, in its quotes; undefined when there is none
 * @throws {S3Error} PreconditionFailed (412), NoSuchKey (404) or NotImplemented (501)
 */
function assertPutCondition(headers: IncomingHttpHeaders, etag: string | undefined, path: string): void {
  const ifNoneMatch = headers['if-none-match'];
  const ifMatch = headers['if-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*' || ifMatch !== undefined) throw notImplemented(path);
    if (etag !== undefined) throw preconditionFailed(path);
  }
  if (ifMatch === undefined) return;
  if (etag === undefined) throw new S3Error('NoSuchKey', 'The specified key does not exist.', 404, path);
  if (withoutQuotes(ifMatch) !== withoutQuotes(etag)) throw preconditionFailed(path);
}

const withoutQuotes = (etag: string): string => etag.replaceAll('"', '');

const preconditionFailed = (path: string): Error =>
  new S3Error(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    412,
    path,
  );

const notImplemented = (path: string): Error =>
  new S3Error(
    'NotImplemented',
    'A header you provided implies functionality that is not implemented',
    501,
    path,
  );
