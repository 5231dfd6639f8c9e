import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type MappingUnderTest, startMapping } from './mapping-under-test.ts';
import { until } from './queue.ts';

describe('the stop of an event source mapping', () => {
  let under: MappingUnderTest;
  afterEach(() => under.end());

  it('waits for the work in flight, and leaves what was not received', async () => {
    under = await startMapping(30);
    await under.queue.send('a');
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    under.map(() => finished, { maximumConcurrency: 1 });
    await until(() => under.mapping().inFlight() === 1);
    await under.queue.send('b');
    const stopped = under.mapping().stop();
    finish();
    await stopped;
    expect(under.mapping().inFlight()).toBe(0);
    expect(await under.queue.count()).toEqual({ ready: 1, inFlight: 0 });
  });

  it('does not sit out a receive that waits for messages', async () => {
    under = await startMapping(30);
    under.map(async () => undefined, { waitSeconds: 20 });
    await under.queue.send('a');
    await until(under.isEmpty);
    const started = performance.now();
    await under.mapping().stop();
    expect(performance.now() - started).toBeLessThan(5000);
    expect(under.errors).toEqual([]);
  });

  it('gives back at once what is not done in time, and does not delete it later', async () => {
    under = await startMapping(300);
    for (const body of ['a', 'b']) await under.queue.send(body);
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    under.map(() => finished, { batchSize: 1 });
    await until(() => under.mapping().inFlight() === 2);
    await under.mapping().stop(10);
    expect(await under.queue.count()).toEqual({ ready: 2, inFlight: 0 });
    finish();
    await until(() => under.mapping().inFlight() === 0);
    const again = await under.queue.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: under.queue.queueUrl, MaxNumberOfMessages: 10 }),
    );
    expect(again.Messages?.map(({ Body }) => Body).sort()).toEqual(['a', 'b']);
  });
});
