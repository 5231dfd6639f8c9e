import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import { releaseMemory } from '../../../shared/release-memory.ts';
import { type S3Object, S3Store } from './fauxqs.ts';
import { type Page, type PageRequest, takePage } from './list-page.ts';
import { makeObject } from './new-object.ts';
import type { Notifications } from './notifications.ts';
import { refuse } from './object-files.ts';
import { assertPutCondition } from './put-condition.ts';
import type { ObjectCreated } from './s3-event.ts';
import { SortedKeys } from './sorted-keys.ts';

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

  /** Keeps what is told of the object. Its body is read from its file: one empty buffer stands for each. */
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
