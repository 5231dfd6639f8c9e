import * as fs from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueDatabase } from '../../../../cli/embedded/cloud/queue-database.ts';
import { type CloudUnderTest, makeFolder, openCloud, receive, removeFolders } from '../cloud-under-test.ts';

const queues = [{ name: 'extract', visibilitySeconds: 600, maxReceiveCount: 2 }];
const notifications = [{ bucket: 'zone', suffix: '.parquet', queue: 'extract' }];
const options = { buckets: ['zone'], queues };
let dataDir: string;
afterAll(removeFolders);
beforeEach(() => {
  dataDir = makeFolder();
});

async function untilVisible({ sqs, cloud }: CloudUnderTest): Promise<void> {
  const deadline = Date.now() + 10_000;
  const command = new GetQueueAttributesCommand({
    QueueUrl: cloud.queueUrl('extract'),
    AttributeNames: ['ApproximateNumberOfMessages'],
  });
  while ((await sqs.send(command)).Attributes?.ApproximateNumberOfMessages !== '1') {
    if (Date.now() > deadline) throw new Error('The message did not become visible again');
  }
}

describe('a second start on the same folder', () => {
  it('finds the objects as they were', async () => {
    const Metadata = { version: 'x'.repeat(1500) };
    const stored = { Bucket: 'zone', Key: 'k/1', Body: 'abc', ContentType: 'text/plain', Metadata };
    const before = await openCloud({ ...options, dataDir });
    const { ETag } = await before.s3.send(new PutObjectCommand(stored));
    await before[Symbol.asyncDispose]();
    await using after = await openCloud({ ...options, dataDir });
    const object = await after.s3.send(new GetObjectCommand({ Bucket: 'zone', Key: 'k/1' }));
    expect(object).toMatchObject({ ETag, Metadata, ContentType: 'text/plain', ContentLength: 3 });
    expect(await object.Body?.transformToString()).toBe('abc');
    const replaced = new PutObjectCommand({ ...stored, IfNoneMatch: '*' });
    await expect(after.s3.send(replaced)).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  it('finds the queue by the URL of the first one', async () => {
    const before = await openCloud({ ...options, dataDir });
    const QueueUrl = before.cloud.queueUrl('extract');
    await before[Symbol.asyncDispose]();
    await using after = await openCloud({ ...options, dataDir });
    await after.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'by the old URL' }));
    expect(await receive(after, 'extract')).toMatchObject([{ Body: 'by the old URL' }]);
  });

  it('dead-letters what was received too often before it', async () => {
    for (const start of ['first', 'second', 'third']) {
      await using under = await openCloud({ ...options, dataDir });
      const QueueUrl = under.cloud.queueUrl('extract');
      if (start === 'first') await under.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
      const [message] = await receive(under, 'extract');
      const ReceiptHandle = message?.ReceiptHandle ?? '';
      if (start === 'third') expect(await receive(under, 'extract-dlq')).toMatchObject([{ Body: 'x' }]);
      else
        await under.sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
        );
    }
  });

  it('counts a receive that timed out before it', async () => {
    const before = await openCloud({ ...options, dataDir });
    const QueueUrl = before.cloud.queueUrl('extract');
    await before.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'slow' }));
    await receive(before, 'extract', { VisibilityTimeout: 1 });
    await untilVisible(before);
    await before[Symbol.asyncDispose]();
    await using after = await openCloud({ ...options, dataDir });
    const [message] = await receive(after, 'extract');
    expect(message?.Attributes?.ApproximateReceiveCount).toBe('2');
  });

  it('sends the event of an object that was written just before a kill, and none for one that was not', async () => {
    const before = await openCloud({ ...options, dataDir });
    await before.s3.send(new PutObjectCommand({ Bucket: 'zone', Key: 'a.parquet', Body: 'x' }));
    await before[Symbol.asyncDispose]();
    const database = new QueueDatabase(dataDir);
    database.sql.exec("insert into cloud_owed_events values ('zone', 'a.parquet'), ('zone', 'b.parquet')");
    database.close();
    for (const start of ['second', 'third']) {
      await using after = await openCloud({ ...options, notifications, dataDir });
      const bodies = (await receive(after, 'extract')).map(({ Body }) => Body ?? '');
      const keys = bodies.flatMap((body) => /"key":"([^"]+)"/.exec(body)?.[1] ?? []);
      expect({ start, keys }).toEqual({ start, keys: ['a.parquet'] });
    }
  });

  it('cannot be had in a folder that is a file', async () => {
    const path = join(dataDir, 'file');
    fs.writeFileSync(path, '');
    await expect(openCloud({ ...options, dataDir: path })).rejects.toThrow(path);
  });
});
