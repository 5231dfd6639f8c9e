import { createHash } from 'node:crypto';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { type MappingUnderTest, startMapping } from './mapping-under-test.ts';
import { until } from './queue.ts';

describe('the event source mapping', () => {
  let under: MappingUnderTest;
  afterEach(() => under.end());

  it('brings messages in the shape that Lambda gives them, and deletes them', async () => {
    under = await startMapping(30);
    const events: SQSEvent[] = [];
    const messageId = await under.queue.send('{"key":"é"}', {
      replay: { DataType: 'String', StringValue: 'r1' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) },
    });
    under.map(async (event) => void events.push(event));
    await until(under.isEmpty);
    expect(events).toEqual([
      {
        Records: [
          {
            messageId,
            receiptHandle: expect.any(String),
            body: '{"key":"é"}',
            attributes: {
              ApproximateReceiveCount: '1',
              SentTimestamp: expect.stringMatching(/^\d{13}$/),
              SenderId: expect.any(String),
              ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
            },
            messageAttributes: {
              replay: { stringValue: 'r1', stringListValues: [], binaryListValues: [], dataType: 'String' },
              raw: { binaryValue: 'AP8=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
            },
            md5OfBody: createHash('md5').update('{"key":"é"}').digest('hex'),
            md5OfMessageAttributes: expect.any(String),
            eventSource: 'aws:sqs',
            eventSourceARN: under.queue.queueArn,
            awsRegion: 'eu-west-2',
          },
        ],
      },
    ]);
    expect(under.errors).toEqual([]);
  });

  it('deletes the successes of a batch, and brings the failures again after their visibility timeout', async () => {
    under = await startMapping(1);
    for (const body of ['good', 'bad', 'fine']) await under.queue.send(body);
    const seen: string[][] = [];
    under.map(async ({ Records }) => {
      seen.push(Records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`));
      const failed = Records.filter(
        ({ body, attributes }) => body === 'bad' && attributes.ApproximateReceiveCount === '1',
      );
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await until(under.isEmpty);
    expect(seen.flat()).toEqual(['good 1', 'bad 1', 'fine 1', 'bad 2']);
    expect(under.errors).toEqual([]);
  });

  it.each([
    ['an exception', () => Promise.reject(new Error('broken'))],
    ['a response that is none', async () => 'ok'],
    ['a message of another batch', async () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] })],
  ])('keeps the whole batch after %s', async (_, work) => {
    under = await startMapping(30);
    await under.queue.send('a');
    await under.queue.send('b');
    under.map(work);
    await until(() => under.errors.length > 0 && under.mapping().inFlight() === 0);
    await until(async () => (await under.queue.count()).inFlight === 2);
    expect(await under.queue.count()).toEqual({ ready: 0, inFlight: 2 });
  });

  it('a message that fails at every receive ends on the dead-letter queue, its neighbours do not', async () => {
    under = await startMapping(1, 2);
    for (const body of ['good', 'poison']) await under.queue.send(body);
    const receives: string[] = [];
    under.map(async ({ Records }) => {
      const poison = Records.filter(({ body }) => body === 'poison');
      receives.push(...poison.map(({ attributes }) => attributes.ApproximateReceiveCount));
      return { batchItemFailures: poison.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await until(async () => (await under.queue.count(under.queue.deadLetterUrl)).ready === 1);
    expect(receives).toEqual(['1', '2']);
    expect(await under.isEmpty()).toBe(true);
  });

  it('brings the messages of a worker that died again at once where somebody waits for them', async () => {
    under = await startMapping(600);
    await under.queue.send('deadly');
    let invocations = 0;
    under.map(
      async () => {
        invocations++;
        if (invocations === 1) throw new Error('the worker died');
      },
      { returnsFailed: true },
    );
    await until(under.isEmpty);
    expect(invocations).toBe(2);
    expect(under.errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining('the worker died') }),
    ]);
  });

  it('keeps batches and invocations within their limits', async () => {
    under = await startMapping(30);
    for (let n = 0; n < 20; n++) await under.queue.send(String(n));
    const [running, sizes] = [[0], [] as number[]];
    const bodies = new Set<string>();
    // The first one waits for a second, however long a busy machine takes to begin it.
    const two = Promise.withResolvers<void>();
    under.map(
      async ({ Records }) => {
        running.push((running.at(-1) ?? 0) + 1);
        if (running.at(-1) === 2) two.resolve();
        sizes.push(Records.length);
        for (const { body } of Records) bodies.add(body);
        await two.promise;
        await new Promise((resolve) => setTimeout(resolve, 5));
        running.push((running.at(-1) ?? 0) - 1);
      },
      { batchSize: 3, maximumConcurrency: 2 },
    );
    await until(under.isEmpty);
    expect(Math.max(...running)).toBe(2);
    expect(Math.max(...sizes)).toBe(3);
    expect(bodies.size).toBe(20);
  });

  it('brings a message to its handler at once', async () => {
    under = await startMapping(30);
    let arrived = 0;
    under.map(async () => {
      arrived = performance.now();
    });
    const waits: number[] = [];
    for (let n = 0; n < 20; n++) {
      arrived = 0;
      const sent = performance.now();
      await under.queue.send(String(n));
      await until(() => arrived > 0);
      waits.push(arrived - sent);
    }
    // Each is sent right after the one before has arrived, so a poll every 100 ms would take nearly all of them for each. The
    // fifth of 20: other processes may have the processor for most of them.
    expect(waits.sort((a, b) => a - b)[4]).toBeLessThan(60);
  });

  it('goes on when the queue cannot be reached for a while', async () => {
    under = await startMapping(30);
    const send = under.queue.sqs.send.bind(under.queue.sqs);
    let outages = 3;
    // The one thing that a test cannot ask of a server in its own process: to be gone and come back.
    under.queue.sqs.send = ((command: Parameters<typeof send>[0]) => {
      if (command instanceof ReceiveMessageCommand && outages-- > 0)
        return Promise.reject(new Error('ECONNREFUSED'));
      return send(command);
    }) as typeof under.queue.sqs.send;
    await under.queue.send('a');
    under.map(async () => undefined);
    await until(under.isEmpty);
    expect(under.errors).toHaveLength(3);
  });

  it('refuses a batch size or a concurrency that Lambda would refuse', async () => {
    under = await startMapping(30);
    under.map(async () => undefined);
    for (const options of [{ batchSize: 0 }, { batchSize: 11 }, { maximumConcurrency: 0 }])
      expect(() => under.map(async () => undefined, options)).toThrow(RangeError);
  });
});
