import { join } from 'node:path';
import { isDiskFull } from '../machine/disk-full.ts';
import { S3Error, type S3Object, type S3Persistence, type S3Store } from './fauxqs.ts';
import { takeOverObjects } from './files/older-release.ts';
import { PlainFiles } from './files/plain-files.ts';

/** All that is known of an object except its body. */
type ObjectMetadata = Omit<S3Object, 'body'>;

/** Keeps the objects of fauxqs' store as plain files. */
export class ObjectFiles implements S3Persistence {
  readonly #files: PlainFiles<ObjectMetadata>;
  readonly #onDiskFull: (error: unknown) => void;

  /**
   * @param zones the names of buckets' folders, where they are not the buckets' own
   * @param onDiskFull called before a put fails because the disk is full
   */
  constructor(
    root: string,
    zones: Readonly<Record<string, string>> = {},
    onDiskFull: (error: unknown) => void = () => {},
  ) {
    this.#files = new PlainFiles(root, zones);
    this.#onDiskFull = onDiskFull;
  }

  upsertObject(bucket: string, { body, ...metadata }: S3Object): void {
    try {
      this.#files.put(bucket, body, metadata);
    } catch (error) {
      if (isDiskFull(error)) this.#onDiskFull(error);
      throw error;
    }
  }

  readBody(bucket: string, key: string): Buffer {
    return this.#files.read(bucket, key);
  }

  deleteObject(bucket: string, key: string): void {
    this.#files.remove(bucket, key);
  }

  insertBucket(bucket: string): void {
    this.#files.makeBucket(bucket);
  }

  deleteBucket(bucket: string): void {
    this.#files.removeBucket(bucket);
  }

  deleteObjectsByBucket(bucket: string): void {
    this.deleteBucket(bucket);
    this.insertBucket(bucket);
  }

  deleteAllObjects(): void {
    for (const bucket of this.#files.buckets()) this.deleteObjectsByBucket(bucket);
  }

  purgeAll(): void {
    for (const bucket of this.#files.buckets()) this.deleteBucket(bucket);
  }

  /**
   * Takes over what an older release has left in the folder of the queues.
   *
   * @throws {TerminalError} a file is not a whole object
   */
  takeOver(dataDir: string): void {
    takeOverObjects(join(dataDir, 'objects'), this.#files);
  }

  /**
   * Puts everything on disk into a store, after it has finished what a kill left unfinished.
   *
   * @throws {TerminalError} a file is not a whole object
   */
  loadS3(store: S3Store): void {
    for (const bucket of this.#files.buckets()) {
      store.createBucket(bucket);
      for (const metadata of this.#files.load(bucket)) {
        const lastModified = new Date(metadata.lastModified);
        store.restoreObject(bucket, { ...metadata, lastModified, body: Buffer.alloc(0) });
      }
    }
  }

  // BucketStore refuses the calls that would end here.
  readonly insertMultipartUpload = refuse;
  readonly upsertMultipartPart = refuse;
  readonly deleteMultipartUpload = refuse;
  readonly deleteAllMultipartUploads = refuse;
  readonly completeMultipartUpload = refuse;
  readonly renameObject = refuse;
  readonly saveBucketLifecycleConfiguration = refuse;
  readonly deleteBucketLifecycleConfiguration = refuse;

  close(): void {}
}

/** @throws {S3Error} always: NotImplemented (501) */
export function refuse(): never {
  throw new S3Error('NotImplemented', 'The embedded cloud does not offer this part of S3.', 501);
}
