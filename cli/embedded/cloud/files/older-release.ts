import * as fs from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type FileCalls, type FileMetadata, notWhole, type PlainFiles } from './plain-files.ts';

/** Each file of theirs begins with it. */
const magic = Buffer.from('STARLIFT-OBJECT1', 'latin1');
const prefixBytes = magic.length + 4;
const temporaryPrefix = 'temporary-';

const refusal =
  'this data folder belongs to a newer release of Starlift, which keeps its objects as plain files in zones/: use that release';

/**
 * Makes every older release refuse this data folder with a sentence. They would not find its objects, and read the source
 * anew. At its start each of them writes into `cloud_notifications`, and prints why it could not.
 *
 * It has to be called before the first object moves.
 */
export function refuseOlderReleases(queues: DatabaseSync): void {
  queues.exec(`
    create table if not exists cloud_notifications (
      bucket text, suffix text, queue text, primary key (bucket, suffix, queue)
    );
    create trigger if not exists cloud_refuses_older_releases before insert on cloud_notifications
    begin
      select raise(abort, '${refusal}');
    end`);
}

/**
 * Moves the objects of an older release, each a file with a header in front, to where this release keeps them.
 *
 * An object's old file goes only when the new one would outlive a power loss, and one that is there twice is moved again. So
 * it can end at any moment, and the next start carries on. What lies in the old place is never older than in the new one.
 *
 * @throws {TerminalError} a file is not a whole object
 */
export function takeOverObjects<Metadata extends FileMetadata>(
  folder: string,
  objects: PlainFiles<Metadata>,
  files: FileCalls = fs,
): void {
  if (!fs.existsSync(folder)) return;
  for (const bucket of fs.readdirSync(folder)) {
    objects.makeBucket(bucket);
    for (const name of fs.readdirSync(join(folder, bucket))) {
      const path = join(folder, bucket, name);
      if (!name.startsWith(temporaryPrefix)) {
        const { metadata, body } = parseOlderObject<Metadata>(fs.readFileSync(path), path);
        objects.put(bucket, body, metadata, true);
      }
      files.rmSync(path);
    }
    files.rmdirSync(join(folder, bucket));
  }
  files.rmdirSync(folder);
}

/** One object of an older release: magic, length of the header (uint32, little-endian), header as JSON, body. */
function parseOlderObject<Metadata extends FileMetadata>(
  file: Buffer,
  path: string,
): { metadata: Metadata; body: Buffer } {
  const isOne = file.length >= prefixBytes && file.subarray(0, magic.length).equals(magic);
  const bodyOffset = isOne ? prefixBytes + file.readUInt32LE(magic.length) : Number.POSITIVE_INFINITY;
  if (bodyOffset > file.length) throw notWhole(path);
  const metadata = JSON.parse(file.toString('utf8', prefixBytes, bodyOffset)) as Metadata;
  if (bodyOffset + metadata.contentLength !== file.length) throw notWhole(path);
  return { metadata, body: file.subarray(bodyOffset) };
}
