import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3EventRecord } from 'aws-lambda';
import { parseObjectCreated } from '../../../shared/queue/object-created.ts';
import { definePiece } from '../piece.ts';
import { take } from '../queues.ts';

const source = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html';

/** Notifications arrive about now, in ISO 8601. */
const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text);

export const testEvent = definePiece({
  name: 's3:TestEvent',
  source,
  aws: { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'its own', hasTime: true, objects: [] },
  observe: async (service) => {
    const { bucket, queueUrl } = await service.makeNotifyingBucket('test-event');
    const [message] = await take(service, queueUrl, 1);
    const body = message?.Body ?? '{}';
    const { Service, Event, Bucket, Time } = JSON.parse(body);
    return {
      Service,
      Event,
      Bucket: Bucket === bucket ? 'its own' : Bucket,
      hasTime: isTime(Time),
      objects: parseObjectCreated(body),
    };
  },
});

export const objectCreated = definePiece({
  name: "the notification of an object's creation",
  source,
  aws: {
    majorVersion: '2',
    eventSource: 'aws:s3',
    awsRegion: 'its own',
    eventName: 'ObjectCreated:Put',
    hasTime: true,
    bucket: 'its own',
    bucketArn: 'its own',
    size: 5,
    // MD5 of 'hello', by md5sum.
    eTag: '5d41402abc4b2a76b9719d911017c592',
    hasSequencer: true,
    others: 0,
  },
  observe: async (service) => {
    const { bucket, queueUrl } = await service.makeNotifyingBucket('object-created');
    const put = (Key: string) =>
      service.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'hello' }));
    // The suffix does not fit: nothing is told of it.
    await put('state/capture.json');
    await put('dim_design/one.parquet');
    const records = recordsOf(await take(service, queueUrl, 2));
    const [record] = records;
    if (record === undefined) return { others: -1 };
    const { s3 } = record;
    const own = (value: string, expected: string) => (value === expected ? 'its own' : value);
    return {
      // The minor one goes up when a field is added.
      majorVersion: record.eventVersion.split('.')[0],
      eventSource: record.eventSource,
      awsRegion: own(record.awsRegion, service.region),
      eventName: record.eventName,
      hasTime: isTime(record.eventTime),
      bucket: own(s3.bucket.name, bucket),
      bucketArn: own(s3.bucket.arn, `arn:aws:s3:::${bucket}`),
      size: s3.object.size,
      eTag: s3.object.eTag,
      hasSequencer: /^[0-9A-F]+$/.test(s3.object.sequencer),
      others: records.length - 1,
    };
  },
});

const keys = ['a b/red flower.parquet', 'a+b=c&d,(e).parquet', 'zürich/東京/🚀.parquet'];

export const encodedKeys = definePiece({
  name: 'keys in a notification',
  // "red flower.jpg" becomes "red+flower.jpg": the key is URL-encoded, as a form is.
  source,
  aws: {
    encoded: [
      'a+b/red+flower.parquet',
      'a%2Bb%3Dc%26d%2C%28e%29.parquet',
      'z%C3%BCrich/%E6%9D%B1%E4%BA%AC/%F0%9F%9A%80.parquet',
    ],
    parsed: keys,
  },
  observe: async (service) => {
    const { bucket, queueUrl } = await service.makeNotifyingBucket('encoded-keys');
    for (const Key of keys)
      await service.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
    const messages = await take(service, queueUrl, keys.length + 1);
    const parsed = messages.flatMap(({ Body = '{}' }) => parseObjectCreated(Body)).map(({ key }) => key);
    const records = recordsOf(messages);
    const encoded = records.map(({ s3 }) => s3.object.key);
    const inOrder = (found: string[]) =>
      keys.map((key) => found[parsed.indexOf(key)] ?? `missing among ${found}`);
    return { encoded: inOrder(encoded), parsed: inOrder(parsed) };
  },
});

function recordsOf(messages: { Body?: string | undefined }[]): S3EventRecord[] {
  return messages.flatMap(
    ({ Body = '{}' }) => (JSON.parse(Body) as { Records?: S3EventRecord[] }).Records ?? [],
  );
}
