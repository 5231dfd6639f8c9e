import { TerminalError } from '../errors.ts';
import { parseJsonObject } from './parse-json.ts';

/** A reference to one object, as an S3 event notification gives it. */
export interface ObjectReference {
  bucket: string;
  key: string;
}

/**
 * Reads the objects that an S3 event notification names; none for the s3:TestEvent that S3 sends when a
 * notification is configured.
 *
 * Keys arrive form-encoded: AWS writes a space as `+`, LocalStack as `%20`.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * @throws {TerminalError} the body is not an S3 event notification
 */
export function parseObjectCreated(body: string): ObjectReference[] {
  const { Event, Records } = parseJsonObject(body);
  if (Event === 's3:TestEvent') return [];
  if (!Array.isArray(Records)) throw new TerminalError('the message is no S3 event: it has no Records');
  return Records.map(parseRecord);
}

/** The body that S3 itself would have sent: for the sweep and for replays. */
export function formatObjectCreated({ bucket, key }: ObjectReference): string {
  const encodedKey = encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');
  const s3 = { bucket: { name: bucket }, object: { key: encodedKey } };
  return JSON.stringify({ Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 }] });
}

function parseRecord(record: unknown): ObjectReference {
  const { s3 } = (record ?? {}) as { s3?: { bucket?: { name?: unknown }; object?: { key?: unknown } } };
  const bucket = s3?.bucket?.name;
  const encoded = s3?.object?.key;
  if (typeof bucket !== 'string' || typeof encoded !== 'string') {
    throw new TerminalError('the S3 event names no bucket or no key');
  }
  try {
    return { bucket, key: decodeURIComponent(encoded.replaceAll('+', ' ')) };
  } catch (cause) {
    throw new TerminalError("the S3 event's key is not URL-encoded", { cause });
  }
}
