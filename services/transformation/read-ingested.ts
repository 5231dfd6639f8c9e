import { createZstdDecompress } from 'node:zlib';
import { TerminalError } from '../../shared/errors.ts';
import { formatObjectKey, type IngestedKey } from '../../shared/object-store/object-key.ts';
import { type IngestedMetadata, parseIngestedMetadata } from '../../shared/object-store/object-metadata.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';

export interface IngestedObject {
  key: IngestedKey;
  metadata: IngestedMetadata;
  /** zstd. */
  body: Uint8Array;
}

const chunkBytes = 256 * 1024;

/** @throws {TerminalError} there is no such object, it is empty, or its metadata is not an extract's */
export async function readIngested(
  store: Pick<ObjectStore, 'get'>,
  key: IngestedKey,
): Promise<IngestedObject> {
  const subject = { table: key.table, key: formatObjectKey(key) };
  const object = await store.get(subject.key);
  if (object === undefined) throw new TerminalError('the ingested object is not there', subject);
  if (object.body.length === 0) throw new TerminalError('the ingested object is empty', subject);
  return { key, metadata: parseIngestedMetadata(subject.key, object.metadata), body: object.body };
}

/**
 * The object's NDJSON, a piece at a time, decompressed on a thread of its own. A piece is valid until the next one is
 * asked for.
 *
 * @throws {TerminalError} the body is no zstd, or ends too early
 */
export async function* decompress({ key, body }: IngestedObject): AsyncGenerator<Uint8Array> {
  const decompressed = createZstdDecompress({ chunkSize: chunkBytes });
  decompressed.end(body);
  try {
    for await (const chunk of decompressed) {
      yield chunk;
      releaseIfFull(chunk);
    }
  } catch (cause) {
    const subject = { table: key.table, key: formatObjectKey(key) };
    throw new TerminalError('the ingested object cannot be decompressed', { ...subject, cause });
  }
}

/** zlib fills a buffer with one chunk or with several, and takes another one when it is full. */
function releaseIfFull({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === chunkBytes && byteOffset + length === chunkBytes) buffer.transfer(0);
}

/**
 * @param lines how many the body holds
 * @throws {TerminalError} not as many as the extract wrote
 */
export function assertWhole({ key, metadata }: IngestedObject, lines: number): void {
  if (lines === metadata.rows) return;
  throw new TerminalError(`the ingested object has ${lines} rows, its metadata says ${metadata.rows}`, {
    table: key.table,
    key: formatObjectKey(key),
  });
}
