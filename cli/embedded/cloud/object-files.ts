import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '../../../shared/errors.ts';
import { isDiskFull } from '../machine/disk-full.ts';
import { S3Error, type S3Object, type S3Persistence, type S3Store } from './fauxqs.ts';

const temporaryPrefix = 'temporary-';
const usualHeaderBytes = 4096;

/**
 * Keeps every object as one file, so that a process killed at any moment leaves the old object or the
 * new one and never half of either.
 *
 * A put is written under a temporary name in the same folder and renamed. Nothing is fsynced: what the
 * kernel has taken survives the death of the process. It does not survive a power loss, and is not
 * meant to: this is the one-machine stack.
 */
export class ObjectFiles implements S3Persistence {
  readonly #root: string;
  readonly #onDiskFull: (error: unknown) => void;

  /** @param onDiskFull called before a put fails because the disk is full */
  constructor(root: string, onDiskFull: (error: unknown) => void = () => {}) {
    this.#root = root;
    this.#onDiskFull = onDiskFull;
    fs.mkdirSync(root, { recursive: true });
  }

  upsertObject(bucket: string, object: S3Object): void {
    const temporary = join(this.#root, bucket, `${temporaryPrefix}${randomUUID()}`);
    try {
      writeFile(temporary, formatObject(object));
      fs.renameSync(temporary, this.#path(bucket, object.key));
    } catch (error) {
      // Half an object would keep the room that the next start needs.
      fs.rmSync(temporary, { force: true });
      if (isDiskFull(error)) this.#onDiskFull(error);
      throw error;
    }
  }

  readBody(bucket: string, key: string): Buffer {
    const path = this.#path(bucket, key);
    return withFile(path, (file) => {
      const { metadata, bodyOffset } = readHeader(file, path);
      // In memory of its own, which can be freed when it is sent.
      const body = Buffer.allocUnsafeSlow(metadata.contentLength);
      readAll(file, body, bodyOffset, path);
      return body;
    });
  }

  deleteObject(bucket: string, key: string): void {
    fs.rmSync(this.#path(bucket, key), { force: true });
  }

  insertBucket(bucket: string): void {
    fs.mkdirSync(join(this.#root, bucket), { recursive: true });
  }

  deleteBucket(bucket: string): void {
    fs.rmSync(join(this.#root, bucket), { recursive: true, force: true });
  }

  deleteObjectsByBucket(bucket: string): void {
    this.deleteBucket(bucket);
    this.insertBucket(bucket);
  }

  deleteAllObjects(): void {
    for (const bucket of fs.readdirSync(this.#root)) this.deleteObjectsByBucket(bucket);
  }

  purgeAll(): void {
    for (const bucket of fs.readdirSync(this.#root)) this.deleteBucket(bucket);
  }

  /**
   * Puts everything on disk into a store and removes what a kill left unfinished.
   *
   * @throws {TerminalError} a file is not a whole object
   */
  loadS3(store: S3Store): void {
    for (const bucket of fs.readdirSync(this.#root)) {
      store.createBucket(bucket);
      for (const name of fs.readdirSync(join(this.#root, bucket))) {
        const path = join(this.#root, bucket, name);
        if (name.startsWith(temporaryPrefix)) fs.rmSync(path);
        else {
          const { metadata } = withFile(path, (file) => readHeader(file, path));
          store.restoreObject(bucket, { ...metadata, body: Buffer.alloc(0) });
        }
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

  /**
   * Keys may hold '..', differ by case only, or be longer than a file name. The hash makes the name
   * safe and unique; what follows it is for people who look into the folder.
   */
  #path(bucket: string, key: string): string {
    const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
    return join(this.#root, bucket, `${hash}.${key.replaceAll(/[^\w.-]/g, '_').slice(-120)}`);
  }
}

function writeFile(path: string, parts: Iterable<Buffer>): void {
  const file = fs.openSync(path, 'wx', 0o600);
  try {
    for (const bytes of parts) writeAll(file, bytes);
  } finally {
    fs.closeSync(file);
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(file, bytes, at);
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = fs.openSync(path, 'r');
  try {
    return use(file);
  } finally {
    fs.closeSync(file);
  }
}

function readHeader(file: number, path: string): { metadata: ObjectMetadata; bodyOffset: number } {
  const { size } = fs.fstatSync(file);
  const start = Buffer.allocUnsafe(Math.min(size, usualHeaderBytes));
  readAll(file, start, 0, path);
  const parsed = parseHeader(start, size, path) ?? parseHeader(fs.readFileSync(path), size, path);
  if (parsed === undefined) throw new RangeError(`${path}: header longer than the file`);
  return parsed;
}

function readAll(file: number, bytes: Buffer, from: number, path: string): void {
  for (let at = 0; at < bytes.length; ) {
    const read = fs.readSync(file, bytes, at, bytes.length - at, from + at);
    if (read === 0) throw new RangeError(`${path} became shorter while it was read`);
    at += read;
  }
}

/** @throws {S3Error} always: NotImplemented (501) */
export function refuse(): never {
  throw new S3Error('NotImplemented', 'The embedded cloud does not offer this part of S3.', 501);
}

/** All that is known of an object except its body. */
type ObjectMetadata = Omit<S3Object, 'body'>;

const magic = Buffer.from('STARLIFT-OBJECT1', 'latin1');
const prefixBytes = magic.length + 4;

/** One object as one file: magic, length of the header (uint32, little-endian), header as JSON, body. */
function formatObject({ body, ...metadata }: S3Object): readonly [head: Buffer, body: Buffer] {
  const header = Buffer.from(JSON.stringify(metadata));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return [Buffer.concat([magic, length, header]), body];
}

/**
 * Reads the header at the start of a file.
 *
 * @param start the first bytes of the file, at least as many as the header has
 * @param fileBytes size of the whole file
 * @returns undefined when `start` is too short to hold the header
 * @throws {TerminalError} the file is not an object, or not a whole one
 */
function parseHeader(
  start: Buffer,
  fileBytes: number,
  path: string,
): { metadata: ObjectMetadata; bodyOffset: number } | undefined {
  if (start.length < prefixBytes || !start.subarray(0, magic.length).equals(magic)) throw notWhole(path);
  const bodyOffset = prefixBytes + start.readUInt32LE(magic.length);
  if (start.length < bodyOffset) {
    if (bodyOffset > fileBytes) throw notWhole(path);
    return undefined;
  }
  const header = JSON.parse(start.toString('utf8', prefixBytes, bodyOffset)) as ObjectMetadata;
  if (bodyOffset + header.contentLength !== fileBytes) throw notWhole(path);
  return { metadata: { ...header, lastModified: new Date(header.lastModified) }, bodyOffset };
}

const notWhole = (path: string): TerminalError =>
  new TerminalError(`${path} is not a whole object, which only a power loss or an edit can cause; remove it`);
