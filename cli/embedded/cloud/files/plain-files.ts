import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { TerminalError } from '../../../../shared/errors.ts';
import { formatObjectPath } from './object-path.ts';

const metadataFolder = '.metadata';
const unfinishedFolder = '.unfinished';
const metadataSuffix = '.json';
const bodySuffix = '.body';

/** The calls that change files. The tests end the process between any two of them. */
export type FileCalls = Pick<
  typeof fs,
  'openSync' | 'writeSync' | 'fsyncSync' | 'closeSync' | 'renameSync' | 'mkdirSync' | 'rmSync' | 'rmdirSync'
>;

/** All that is known of an object except its body. It is kept as JSON. */
export interface FileMetadata {
  key: string;
  contentLength: number;
}

/**
 * Keeps each object as a plain file at its key, and its metadata in a tree of its own, so that whoever reads a folder of
 * objects meets nothing else in it.
 *
 * A process killed at any moment leaves the old object or the new one, with its own metadata. Body and metadata are written
 * under the name of the put, then renamed, body first. So metadata that lies there without its body belongs to an object that
 * is in its place, and the next start carries on; where both lie there, the object is still the old one.
 *
 * Nothing is fsynced unless asked for: what the kernel has taken survives the death of the process. It does not survive a
 * power loss, and is not meant to: this is the one-machine stack.
 */
export class PlainFiles<Metadata extends FileMetadata> {
  readonly #root: string;
  readonly #zones: Readonly<Record<string, string>>;
  readonly #files: FileCalls;

  /** @param zones the names of buckets' folders, where they are not the buckets' own */
  constructor(root: string, zones: Readonly<Record<string, string>> = {}, files: FileCalls = fs) {
    this.#root = root;
    this.#zones = zones;
    this.#files = files;
    files.mkdirSync(root, { recursive: true });
  }

  buckets(): string[] {
    const folders = fs.readdirSync(this.#root).filter((name) => !name.startsWith('.'));
    const bucketOf = new Map(Object.entries(this.#zones).map(([bucket, zone]) => [zone, bucket]));
    return folders.map((folder) => bucketOf.get(folder) ?? folder);
  }

  makeBucket(bucket: string): void {
    for (const folder of this.#foldersOf(bucket)) this.#files.mkdirSync(folder, { recursive: true });
  }

  removeBucket(bucket: string): void {
    for (const folder of this.#foldersOf(bucket))
      this.#files.rmSync(folder, { recursive: true, force: true });
  }

  /** @param isDurable whether it has to outlive a power loss */
  put(bucket: string, body: Buffer, metadata: Metadata, isDurable = false): void {
    const id = join(this.#root, unfinishedFolder, this.#zoneOf(bucket), randomUUID());
    const bodyPath = this.#bodyPath(bucket, metadata.key);
    try {
      this.#write(`${id}${bodySuffix}`, body, isDurable);
      this.#write(`${id}${metadataSuffix}`, Buffer.from(`${JSON.stringify(metadata)}\n`), isDurable);
      this.#move(`${id}${bodySuffix}`, bodyPath);
    } catch (error) {
      // Half an object would keep the room that the next start needs.
      this.#dropUnfinished(id);
      throw error;
    }
    const metadataPath = this.#metadataPath(bucket, metadata.key);
    this.#move(`${id}${metadataSuffix}`, metadataPath);
    if (!isDurable) return;
    for (const path of [bodyPath, metadataPath]) this.#flush(dirname(path));
  }

  read(bucket: string, key: string): Buffer {
    const path = this.#bodyPath(bucket, key);
    const file = fs.openSync(path, 'r');
    try {
      // In memory of its own, which can be freed when it is sent.
      const body = Buffer.allocUnsafeSlow(fs.fstatSync(file).size);
      for (let at = 0; at < body.length; ) {
        const read = fs.readSync(file, body, at, body.length - at, at);
        if (read === 0) throw new RangeError(`${path} became shorter while it was read`);
        at += read;
      }
      return body;
    } finally {
      fs.closeSync(file);
    }
  }

  /** Metadata without an object is removed by the next start. */
  remove(bucket: string, key: string): void {
    const [zone = '', metadata = ''] = this.#foldersOf(bucket);
    this.#removeFile(this.#bodyPath(bucket, key), zone);
    this.#removeFile(this.#metadataPath(bucket, key), metadata);
  }

  /** A folder for each run or day would be left for good. */
  #removeFile(path: string, root: string): void {
    this.#files.rmSync(path, { force: true });
    try {
      for (let folder = dirname(path); folder !== root; folder = dirname(folder))
        this.#files.rmdirSync(folder);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) throw error;
    }
  }

  /**
   * Finishes what a kill has left unfinished, and reads the metadata of every object.
   *
   * @throws {TerminalError} a file is not a whole object, or not an object at all
   */
  load(bucket: string): Metadata[] {
    this.makeBucket(bucket);
    this.#finish(bucket);
    const found = new Set<string>();
    const metadata = listFiles(join(this.#root, metadataFolder, this.#zoneOf(bucket))).flatMap((path) => {
      const each = this.#readMetadata(path);
      const bodyPath = this.#bodyPath(bucket, each.key);
      if (this.#metadataPath(bucket, each.key) !== path) throw notWhole(path);
      const size = fs.statSync(bodyPath, { throwIfNoEntry: false })?.size;
      if (size === undefined) {
        this.#files.rmSync(path, { force: true });
        return [];
      }
      if (size !== each.contentLength) throw notWhole(bodyPath);
      found.add(bodyPath);
      return [each];
    });
    for (const path of listFiles(join(this.#root, this.#zoneOf(bucket)))) {
      if (!found.has(path) && !isHidden(path)) throw this.#notAnObject(path);
    }
    return metadata;
  }

  #finish(bucket: string): void {
    const folder = join(this.#root, unfinishedFolder, this.#zoneOf(bucket));
    const names = new Set(fs.readdirSync(folder));
    for (const name of names) {
      const id = name.replace(/\.\w+$/, '');
      if (names.has(`${id}${bodySuffix}`)) this.#dropUnfinished(join(folder, id));
      else {
        const path = join(folder, name);
        this.#move(path, this.#metadataPath(bucket, this.#readMetadata(path).key));
      }
    }
  }

  /** The body last: metadata alone says that its object is in its place. */
  #dropUnfinished(id: string): void {
    for (const suffix of [metadataSuffix, bodySuffix]) this.#files.rmSync(`${id}${suffix}`, { force: true });
  }

  #readMetadata(path: string): Metadata {
    try {
      const metadata = JSON.parse(fs.readFileSync(path, 'utf8')) as Metadata;
      if (typeof metadata.key === 'string' && typeof metadata.contentLength === 'number') return metadata;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw notWhole(path);
  }

  #write(path: string, bytes: Buffer, isDurable: boolean): void {
    const file = this.#files.openSync(path, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += this.#files.writeSync(file, bytes, at);
      if (isDurable) this.#files.fsyncSync(file);
    } finally {
      this.#files.closeSync(file);
    }
  }

  #move(from: string, to: string): void {
    try {
      this.#files.renameSync(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#files.mkdirSync(dirname(to), { recursive: true });
      this.#files.renameSync(from, to);
    }
  }

  /** A folder holds the names of its files, so it has to be flushed as well. */
  #flush(folder: string): void {
    const file = this.#files.openSync(folder, 'r');
    try {
      this.#files.fsyncSync(file);
    } finally {
      this.#files.closeSync(file);
    }
  }

  #foldersOf(bucket: string): string[] {
    return ['', metadataFolder, unfinishedFolder].map((folder) =>
      join(this.#root, folder, this.#zoneOf(bucket)),
    );
  }

  #zoneOf(bucket: string): string {
    return this.#zones[bucket] ?? bucket;
  }

  #bodyPath(bucket: string, key: string): string {
    return join(this.#root, this.#zoneOf(bucket), formatObjectPath(key));
  }

  #metadataPath(bucket: string, key: string): string {
    return join(
      this.#root,
      metadataFolder,
      this.#zoneOf(bucket),
      `${formatObjectPath(key)}${metadataSuffix}`,
    );
  }

  #notAnObject(path: string): TerminalError {
    const metadata = join(this.#root, metadataFolder, `${relative(this.#root, path)}${metadataSuffix}`);
    return new TerminalError(
      `${path} is not an object of Starlift: it has no metadata in ${metadata}, which only a power loss or an edit can ` +
        'cause; move it out of the folder',
    );
  }
}

const isHidden = (path: string): boolean => /\/\.[^/]+$/.test(path);

/** Node's own recursion looks at each file once more, and every start waits for this. */
const listFiles = (folder: string): string[] =>
  fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? listFiles(path) : [path];
  });

export const notWhole = (path: string): TerminalError =>
  new TerminalError(`${path} is not a whole object, which only a power loss or an edit can cause; remove it`);
