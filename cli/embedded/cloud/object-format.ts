import { TerminalError } from '../../../shared/errors.ts';
import type { S3Object } from './fauxqs.ts';

/** All that is known of an object except its body. */
export type ObjectMetadata = Omit<S3Object, 'body'>;

const magic = Buffer.from('STARLIFT-OBJECT1', 'latin1');
const prefixBytes = magic.length + 4;

/** One object as one file: magic, length of the header (uint32, little-endian), header as JSON, body. */
export function formatObject({ body, ...metadata }: S3Object): readonly [head: Buffer, body: Buffer] {
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
export function parseHeader(
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
