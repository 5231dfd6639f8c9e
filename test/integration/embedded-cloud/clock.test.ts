import { ChangeMessageVisibilityCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { openCloud, removeFolders } from './cloud-under-test.ts';

const queues = [{ name: 'load', visibilitySeconds: 30, maxReceiveCount: 5 }];
const dayMs = 86_400_000;

afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(removeFolders);

function setClock(byMs: number): void {
  const realNow = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + byMs);
}

describe.each([
  ['back', -dayMs],
  ['forward', dayMs],
])('a queue whose clock is set %s by a day', (_, byMs) => {
  it('delivers a message that waits for its next attempt, and not before its time', async () => {
    await using under = await openCloud({ queues });
    const queue = under.cloud.openQueue('load');
    const QueueUrl = under.cloud.queueUrl('load');
    await under.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'again' }));
    const [{ ReceiptHandle } = { ReceiptHandle: '' }] = await queue.receive(1, new AbortController().signal);
    await under.sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 2 }),
    );
    const waitingSince = performance.now();
    setClock(byMs);
    const [again] = await queue.receive(1, AbortSignal.timeout(15_000));
    expect(again?.Body).toBe('again');
    expect(performance.now() - waitingSince).toBeGreaterThan(1500);
    expect(performance.now() - waitingSince).toBeLessThan(10_000);
  });

  it('delivers a message that was sent with a delay, and not before its time', async () => {
    await using under = await openCloud({ queues });
    const queue = under.cloud.openQueue('load');
    await under.sqs.send(
      new SendMessageCommand({
        QueueUrl: under.cloud.queueUrl('load'),
        MessageBody: 'later',
        DelaySeconds: 2,
      }),
    );
    const waitingSince = performance.now();
    setClock(byMs);
    const [later] = await queue.receive(1, AbortSignal.timeout(15_000));
    expect(later?.Body).toBe('later');
    expect(performance.now() - waitingSince).toBeGreaterThan(1500);
    expect(performance.now() - waitingSince).toBeLessThan(10_000);
  });

  it('delivers in time what is delayed or received again right after, before anybody looks at the queue', async () => {
    await using under = await openCloud({ queues });
    const queue = under.cloud.openQueue('load');
    const QueueUrl = under.cloud.queueUrl('load');
    await under.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'again' }));
    const [{ ReceiptHandle } = { ReceiptHandle: '' }] = await queue.receive(1, new AbortController().signal);
    setClock(byMs);
    await under.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', DelaySeconds: 2 }));
    await under.sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 2 }),
    );
    const waitingSince = performance.now();
    const received = [];
    while (received.length < 2 && performance.now() - waitingSince < 15_000)
      received.push(...(await queue.receive(10, AbortSignal.timeout(15_000))));
    expect(received.map(({ Body }) => Body).sort()).toEqual(['again', 'later']);
    expect(performance.now() - waitingSince).toBeGreaterThan(1500);
    expect(performance.now() - waitingSince).toBeLessThan(10_000);
  });
});
