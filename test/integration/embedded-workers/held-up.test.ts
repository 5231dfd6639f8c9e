import { ChangeMessageVisibilityCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { startEventSourceMapping } from '../../../cli/embedded/workers/event-source-mapping.ts';
import { startInlinePool } from '../../helpers/processes/inline-pool.ts';
import { seen } from '../../helpers/seen.ts';
import { openCloud, removeFolders } from '../embedded-cloud/cloud-under-test.ts';

const queues = [{ name: 'load', visibilitySeconds: 30, maxReceiveCount: 10 }];

afterAll(removeFolders);

/** A queue of messages such as `design 3`, whose function sends back those of locked tables. */
async function startUnderTest() {
  const under = await openCloud({ queues });
  const QueueUrl = under.cloud.queueUrl('load');
  const locked = new Set<string>();
  const done: string[] = [];
  let waiting = 0;
  let mostWaiting = 0;
  const work = async ({ Records }: SQSEvent) => {
    const [{ body, messageId, receiptHandle } = { body: '', messageId: '', receiptHandle: '' }] = Records;
    if (!locked.has(tableOf(body))) {
      done.push(body);
      return undefined;
    }
    waiting += 1;
    mostWaiting = Math.max(mostWaiting, waiting);
    // As long as a load waits for a lock.
    await new Promise((resolve) => setTimeout(resolve, 200));
    waiting -= 1;
    await under.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 300,
      }),
    );
    return { batchItemFailures: [{ itemIdentifier: messageId }] };
  };
  const queue = under.cloud.openQueue('load');
  const mapping = startEventSourceMapping({
    queue,
    queueArn: 'arn:aws:sqs:us-east-1:000000000000:load',
    functionName: 'work',
    batchSize: 1,
    maximumConcurrency: 1,
    pool: startInlinePool({ work: (event) => work(event as SQSEvent) }, 10),
    holdUp: { queue, groupOf: tableOf, maximumConcurrency: 1 },
  });
  return {
    locked,
    done,
    mapping,
    queue,
    mostWaiting: () => mostWaiting,
    count: () => under.cloud.countMessages('load'),
    send: async (...bodies: string[]) => {
      for (const MessageBody of bodies)
        await under.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },
    [Symbol.asyncDispose]: async () => {
      await mapping.stop(1000);
      await under[Symbol.asyncDispose]();
    },
  };
}

const tableOf = (body: string): string => body.split(' ')[0] ?? '';
const numbered = (table: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${table} ${index}`);

describe('messages of a table that is held up', () => {
  it('take no place of the others, and go on together once one of them is done', async () => {
    await using under = await startUnderTest();
    under.locked.add('design');
    const designs = numbered('design', 150);
    const staff = numbered('staff', 20);
    await under.send(...designs);
    await seen(() => under.mapping.isHeldUp());
    const begun = performance.now();
    await under.send(...staff);
    await seen(() => under.done.length === staff.length);
    // One attempt at a time takes 0.2 s: behind all of the others it would be 30 s.
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(under.mostWaiting()).toBe(1);
    expect(under.mapping.done()).toBe(staff.length);
    under.locked.clear();
    await seen(() => under.count() === 0);
    expect(under.done.toSorted()).toEqual([...designs, ...staff].toSorted());
  });

  it('of two tables have their turns, and the one that is released goes on', async () => {
    await using under = await startUnderTest();
    under.locked.add('design').add('staff');
    await under.send(...numbered('design', 3), ...numbered('staff', 3));
    await seen(() => under.mapping.isHeldUp());
    under.locked.delete('staff');
    await seen(() => under.done.length === 3);
    expect(under.done.toSorted()).toEqual(numbered('staff', 3));
  });

  it('are all tried at once when they are woken', async () => {
    await using under = await startUnderTest();
    under.locked.add('design');
    await under.send('design 0');
    await seen(() => under.mapping.isHeldUp() && under.mostWaiting() === 1);
    under.locked.clear();
    // Its visibility timeout would end after five minutes.
    under.mapping.wake();
    await seen(() => under.done.length === 1);
  });

  it('are given back when the mapping stops, as if they had not been received', async () => {
    await using under = await startUnderTest();
    under.locked.add('design');
    await under.send(...numbered('design', 5));
    await seen(() => under.mapping.isHeldUp());
    await under.mapping.stop(1000);
    expect(under.queue.countReady()).toBeGreaterThan(0);
    const messages = await under.queue.receive(10, new AbortController().signal);
    const receives = messages.map(({ Attributes }) => Attributes?.ApproximateReceiveCount);
    expect(receives).toEqual(receives.map(() => '1'));
  });
});
