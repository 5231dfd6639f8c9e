import { randomUUID } from 'node:crypto';
import { TerminalError } from '../../../shared/errors.ts';
import { region, type S3Object, type S3Store, SqsStore } from './fauxqs.ts';
import type { QueueDatabase } from './queue-database.ts';

export type ObjectCreated = 'ObjectCreated:Put' | 'ObjectCreated:Copy';

/** `queue` gets a message for every object created in `bucket` whose key ends in `suffix`. */
export interface NotificationRule {
  bucket: string;
  suffix: string;
  queue: string;
}

/**
 * Sends the events of new objects to their queues, at least once.
 *
 * The object is a file and the message a row, and a kill can fall between the two. So a put is noted
 * down before it is made; the note goes in the transaction that enqueues the message, and a note that
 * is found at the start is an event still owed.
 */
export class Notifications {
  readonly #database: QueueDatabase;
  readonly #queues: SqsStore;
  readonly #rules: readonly NotificationRule[];

  constructor(database: QueueDatabase, queues: SqsStore, rules: readonly NotificationRule[]) {
    this.#database = database;
    this.#queues = queues;
    this.#rules = rules;
    database.sql.exec(`
      create table if not exists cloud_owed_events (bucket text, key text, primary key (bucket, key));
      create table if not exists cloud_announced (
        bucket text, suffix text, queue text, primary key (bucket, suffix, queue)
      );
      insert or ignore into cloud_announced select * from cloud_notifications`);
  }

  /**
   * Sends s3:TestEvent for each rule that is new, and the events that the last process still owed.
   *
   * @throws {TerminalError} a rule names a bucket or queue that is not there
   */
  start(objects: S3Store): void {
    for (const rule of this.#rules) this.#announce(rule, objects);
    const owed = this.#database.sql.prepare('select bucket, key from cloud_owed_events').all();
    for (const { bucket, key } of owed) this.#settle(String(bucket), String(key), objects);
  }

  /** To be called before the object is written. */
  owe(bucket: string, key: string): void {
    if (this.#rulesFor(bucket, key).length === 0) return;
    this.#database.sql.prepare('insert or ignore into cloud_owed_events values (?, ?)').run(bucket, key);
  }

  /** To be called once the object is there, before the put is answered. */
  send(bucket: string, object: S3Object, event: ObjectCreated): void {
    const rules = this.#rulesFor(bucket, object.key);
    if (rules.length === 0) return;
    this.#database.atomically(() => {
      for (const { queue } of rules) this.#enqueue(queue, formatObjectCreated(bucket, object, event));
      this.#forget(bucket, object.key);
    });
  }

  #rulesFor(bucket: string, key: string): NotificationRule[] {
    return this.#rules.filter((rule) => rule.bucket === bucket && key.endsWith(rule.suffix));
  }

  #announce({ bucket, suffix, queue }: NotificationRule, objects: S3Store): void {
    if (!objects.hasBucket(bucket)) throw new TerminalError(`A notification names bucket ${bucket}: no such`);
    this.#database.atomically(() => {
      const { changes } = this.#database.sql
        .prepare('insert or ignore into cloud_announced values (?, ?, ?)')
        .run(bucket, suffix, queue);
      if (changes === 1) this.#enqueue(queue, formatTestEvent(bucket, new Date()));
    });
  }

  #settle(bucket: string, key: string, objects: S3Store): void {
    const object = objects.listObjects(bucket, { prefix: key, maxKeys: 1 }).objects[0];
    if (object?.key === key) this.send(bucket, object, 'ObjectCreated:Put');
    else this.#forget(bucket, key);
  }

  #forget(bucket: string, key: string): void {
    this.#database.sql.prepare('delete from cloud_owed_events where bucket = ? and key = ?').run(bucket, key);
  }

  #enqueue(name: string, body: string): void {
    const queue = this.#queues.getQueueByName(name);
    if (queue === undefined) throw new TerminalError(`A notification names queue ${name}: no such`);
    queue.enqueue(SqsStore.createMessage(body));
  }
}

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
