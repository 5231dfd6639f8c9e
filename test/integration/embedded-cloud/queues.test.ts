import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CloudUnderTest, makeFolder, openCloud, receive, removeFolders } from './cloud-under-test.ts';

const queue = { name: 'extract', visibilitySeconds: 30, maxReceiveCount: 2 };
const queues = [queue];

const send = ({ sqs, cloud }: CloudUnderTest, MessageBody: string) =>
  sqs.send(
    new SendMessageCommand({
      QueueUrl: cloud.queueUrl('extract'),
      MessageBody,
      MessageAttributes: { table: { DataType: 'String', StringValue: 'payment' } },
    }),
  );

const changeVisibility = ({ sqs, cloud }: CloudUnderTest, ReceiptHandle: string, VisibilityTimeout: number) =>
  sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: cloud.queueUrl('extract'),
      ReceiptHandle,
      VisibilityTimeout,
    }),
  );

async function attributesOf({ sqs, cloud }: CloudUnderTest, name: string) {
  const QueueUrl = cloud.queueUrl(name);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Attributes ?? {};
}

/** Receives a message and lets it time out, as a handler that crashes does. */
async function receiveAndLose(under: CloudUnderTest): Promise<string | undefined> {
  const [message] = await receive(under, 'extract');
  await changeVisibility(under, message?.ReceiptHandle ?? '', 0);
  return message?.Attributes?.ApproximateReceiveCount;
}

afterAll(removeFolders);

describe('a queue', () => {
  it('delivers what was sent, with its attributes, and forgets what was deleted', async () => {
    await using under = await openCloud({ queues });
    const QueueUrl = under.cloud.queueUrl('extract');
    await under.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: 'first' },
          {
            Id: 'b',
            MessageBody: 'sécond 😀',
            MessageAttributes: { replay: { DataType: 'String', StringValue: '7' } },
          },
        ],
      }),
    );
    const messages = await receive(under, 'extract');
    expect(messages.map(({ Body }) => Body)).toEqual(['first', 'sécond 😀']);
    expect(messages[1]?.MessageAttributes?.replay?.StringValue).toBe('7');
    const Entries = messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
    await under.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    expect(await attributesOf(under, 'extract')).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });

  it('answers a long poll as soon as a message is there', async () => {
    await using under = await openCloud({ queues });
    const poll = receive(under, 'extract', { WaitTimeSeconds: 20 });
    await send(under, 'late');
    expect((await poll).map(({ Body }) => Body)).toEqual(['late']);
  });

  it('stops at once while a client waits in a long poll', async () => {
    const under = await openCloud({ queues });
    const poll = receive(under, 'extract', { WaitTimeSeconds: 20 }).catch(() => 'broken off');
    await under[Symbol.asyncDispose]();
    expect([[], 'broken off']).toContainEqual(await poll);
  });

  it('gives a message to the next client when the one that waited for it is gone', async () => {
    await using under = await openCloud({ queues });
    const gone = new AbortController();
    const poll = fetch(under.cloud.endpoint, {
      method: 'POST',
      signal: gone.signal,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ReceiveMessage' },
      body: JSON.stringify({ QueueUrl: under.cloud.queueUrl('extract'), WaitTimeSeconds: 20 }),
    });
    const refused = expect(poll).rejects.toThrow('abort');
    // The answer to a second request shows that the first one, sent before it, has been taken in.
    await attributesOf(under, 'extract');
    gone.abort();
    await refused;
    // And here that its end has been seen.
    await attributesOf(under, 'extract');
    await send(under, 'kept');
    const [message] = await receive(under, 'extract', { WaitTimeSeconds: 20 });
    expect(message).toMatchObject({ Body: 'kept', Attributes: { ApproximateReceiveCount: '1' } });
  });

  it('delivers again what is made visible again, and counts the receives', async () => {
    await using under = await openCloud({ queues });
    await send(under, 'x');
    expect(await receiveAndLose(under)).toBe('1');
    expect(await receiveAndLose(under)).toBe('2');
  });

  it('hands a message to the dead-letter queue after maxReceiveCount receives', async () => {
    await using under = await openCloud({ queues });
    await send(under, 'poison');
    await receiveAndLose(under);
    await receiveAndLose(under);
    expect(await receive(under, 'extract')).toEqual([]);
    const [dead] = await receive(under, 'extract-dlq');
    expect(dead?.Body).toBe('poison');
    expect(dead?.MessageAttributes?.table?.StringValue).toBe('payment');
  });

  it('has the settings of its options, also when they change between two starts', async () => {
    const dataDir = makeFolder();
    for (const [visibilitySeconds, maxReceiveCount] of [
      [30, 2],
      [60, 5],
    ] as const) {
      const changed = [{ ...queue, visibilitySeconds, maxReceiveCount }];
      await using under = await openCloud({ queues: changed, dataDir });
      const attributes = await attributesOf(under, 'extract');
      expect(attributes).toMatchObject({
        VisibilityTimeout: String(visibilitySeconds),
        MessageRetentionPeriod: '345600',
      });
      const deadLetters = await attributesOf(under, 'extract-dlq');
      expect(deadLetters.MessageRetentionPeriod).toBe('1209600');
      expect(JSON.parse(attributes.RedrivePolicy ?? '')).toEqual({
        deadLetterTargetArn: deadLetters.QueueArn,
        maxReceiveCount,
      });
    }
  });
});
