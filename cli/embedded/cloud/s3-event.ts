import { randomUUID } from 'node:crypto';
import { region, type S3Object } from './fauxqs.ts';

export type ObjectCreated = 'ObjectCreated:Put' | 'ObjectCreated:Copy';

/**
 * The body of the SQS message that S3 sends for a new object.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function formatObjectCreated(bucket: string, object: S3Object, eventName: ObjectCreated): string {
  const record = {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: object.lastModified.toISOString(),
    eventName,
    userIdentity: { principalId: 'AWS:EMBEDDED' },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: { 'x-amz-request-id': makeRequestId(), 'x-amz-id-2': 'embedded' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'embedded',
      bucket: {
        name: bucket,
        ownerIdentity: { principalId: 'EMBEDDED' },
        arn: `arn:aws:s3:::${bucket}`,
      },
      object: {
        key: encodeKey(object.key),
        size: object.contentLength,
        eTag: object.etag.replaceAll('"', ''),
        sequencer: nextSequencer(),
      },
    },
  };
  return JSON.stringify({ Records: [record] });
}

/** The message that S3 sends once when a notification is configured. */
export function formatTestEvent(bucket: string, time: Date): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: time.toISOString(),
    Bucket: bucket,
    RequestId: makeRequestId(),
    HostId: 'embedded',
  });
}

/** Form encoding as in S3's events: '+' for space, slashes as they are, and all but letters, digits, . - _ * in %XX. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/');
}

let lastSequencer = 0n;

/** Grows with every event, also over a restart, so that two events of one key can be put in order. */
function nextSequencer(): string {
  const fromClock = BigInt(Date.now()) << 20n;
  lastSequencer = fromClock > lastSequencer ? fromClock : lastSequencer + 1n;
  return lastSequencer.toString(16).toUpperCase().padStart(18, '0');
}

const makeRequestId = (): string => randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
