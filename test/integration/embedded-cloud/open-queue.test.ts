import { type Message, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CloudUnderTest, openCloud, receive, removeFolders } from './cloud-under-test.ts';

const queues = [{ name: 'load', visibilitySeconds: 30, maxReceiveCount: 2 }];
const never = new AbortController().signal;

const send = ({ sqs, cloud }: CloudUnderTest, MessageBody: string) =>
  sqs.send(
    new SendMessageCommand({
      QueueUrl: cloud.queueUrl('load'),
      MessageBody,
      MessageAttributes: {
        replay: { DataType: 'String', StringValue: '7' },
        bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 128) },
      },
    }),
  );

/** What is the same of one message at two receives. */
function withoutReceive({ ReceiptHandle, Attributes, MessageAttributes, ...message }: Message) {
  const { ApproximateReceiveCount, ...attributes } = Attributes ?? {};
  const { replay, bytes } = MessageAttributes ?? {};
  return { ...message, attributes, replay, bytes: Buffer.from(bytes?.BinaryValue ?? []).toString('hex') };
}

afterAll(removeFolders);

describe('a queue that is opened in its process', () => {
  it('gives messages as a receive over HTTP does, counts it, and gives them back', async () => {
    await using under = await openCloud({ queues });
    const queue = under.cloud.openQueue('load');
    await send(under, 'sécond 😀');
    const [here] = await queue.receive(1, never);
    if (here === undefined) throw new Error('nothing was received');
    expect(await receive(under, 'load')).toEqual([]);
    await queue.giveBack([here]);
    const [there] = await receive(under, 'load');
    expect(withoutReceive(here)).toEqual(withoutReceive(there ?? {}));
    expect(withoutReceive(here)).toMatchObject({ Body: 'sécond 😀', bytes: '00ff80' });
    const counts = [here, there].map((message) => message?.Attributes?.ApproximateReceiveCount);
    expect(counts).toEqual(['1', '2']);
  });

  it('takes no more than it is asked for, and forgets what is deleted', async () => {
    await using under = await openCloud({ queues });
    const queue = under.cloud.openQueue('load');
    for (const body of ['a', 'b', 'c']) await send(under, body);
    const messages = await queue.receive(2, never);
    expect(messages.map(({ Body }) => Body)).toEqual(['a', 'b']);
    await queue.delete(messages);
    expect(under.cloud.countMessages('load')).toBe(1);
    expect((await queue.receive(10, never)).map(({ Body }) => Body)).toEqual(['c']);
  });

  it('puts aside what was received too often', async () => {
    await using under = await openCloud({ queues });
    const queue = under.cloud.openQueue('load');
    await send(under, 'bad');
    await queue.giveBack(await queue.receive(1, never));
    await queue.giveBack(await queue.receive(1, never));
    await send(under, 'good');
    expect((await queue.receive(10, never)).map(({ Body }) => Body)).toEqual(['good']);
    expect((await receive(under, 'load-dlq')).map(({ Body }) => Body)).toEqual(['bad']);
  });

  it('waits for the next message', async () => {
    await using under = await openCloud({ queues });
    const received = under.cloud.openQueue('load').receive(1, never);
    await send(under, 'late');
    expect((await received).map(({ Body }) => Body)).toEqual(['late']);
  });

  it('ends a wait that is broken off, and takes nothing then', async () => {
    await using under = await openCloud({ queues });
    const stop = new AbortController();
    const received = under.cloud.openQueue('load').receive(1, stop.signal);
    const sent = send(under, 'later');
    stop.abort();
    expect(await received).toEqual([]);
    await sent;
    expect((await receive(under, 'load')).map(({ Body }) => Body)).toEqual(['later']);
  });

  it('names a queue that is not there', async () => {
    await using under = await openCloud({ queues });
    expect(() => under.cloud.openQueue('nothing')).toThrow('There is no queue nothing');
  });
});
