import { createHash } from 'node:crypto';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import {
  type EventSourceMapping,
  startEventSourceMapping,
} from '../../../cli/embedded/workers/event-source-mapping.ts';
import { startInlinePool } from '../../../cli/embedded/workers/inline-pool.ts';
import { startTestQueue, type TestQueue, until } from './queue.ts';

type Work = (event: SQSEvent) => Promise<unknown>;

describe('the event source mapping', () => {
  let queue: TestQueue;
  let mapping: EventSourceMapping;
  const errors: unknown[] = [];
  afterEach(async () => {
    await mapping.stop(0);
    await queue.close();
    errors.length = 0;
  });

  const map = (
    work: Work,
    options: {
      batchSize?: number;
      maximumConcurrency?: number;
      waitSeconds?: number;
      returnsFailed?: boolean;
    } = {},
  ) => {
    const { batchSize = 10, maximumConcurrency = 2, waitSeconds = 1, returnsFailed = false } = options;
    const pool = startInlinePool({ work: (event) => work(event as SQSEvent) }, 10);
    const onError = (error: unknown) => errors.push(error);
    const { sqs, queueUrl, queueArn } = queue;
    mapping = startEventSourceMapping({
      ...{
        sqs,
        queueUrl,
        queueArn,
        functionName: 'work',
        batchSize,
        maximumConcurrency,
        pool,
        onError,
        waitSeconds,
        returnsFailed,
      },
    });
  };
  const isEmpty = async () => {
    const { ready, inFlight } = await queue.count();
    return ready + inFlight === 0;
  };

  it('brings messages in the shape that Lambda gives them, and deletes them', async () => {
    queue = await startTestQueue(30);
    const events: SQSEvent[] = [];
    const messageId = await queue.send('{"key":"é"}', {
      replay: { DataType: 'String', StringValue: 'r1' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) },
    });
    map(async (event) => void events.push(event));
    await until(isEmpty);
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
            eventSourceARN: queue.queueArn,
            awsRegion: 'eu-west-2',
          },
        ],
      },
    ]);
    expect(errors).toEqual([]);
  });

  it('deletes the successes of a batch, and brings the failures again after their visibility timeout', async () => {
    queue = await startTestQueue(1);
    for (const body of ['good', 'bad', 'fine']) await queue.send(body);
    const seen: string[][] = [];
    map(async ({ Records }) => {
      seen.push(Records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`));
      const failed = Records.filter(
        ({ body, attributes }) => body === 'bad' && attributes.ApproximateReceiveCount === '1',
      );
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await until(isEmpty);
    expect(seen.flat()).toEqual(['good 1', 'bad 1', 'fine 1', 'bad 2']);
    expect(errors).toEqual([]);
  });

  it.each([
    ['an exception', () => Promise.reject(new Error('broken'))],
    ['a response that is none', async () => 'ok'],
    ['a message of another batch', async () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] })],
  ])('keeps the whole batch after %s', async (_, work) => {
    queue = await startTestQueue(30);
    await queue.send('a');
    await queue.send('b');
    map(work);
    await until(() => errors.length > 0 && mapping.inFlight() === 0);
    await until(async () => (await queue.count()).inFlight === 2);
    expect(await queue.count()).toEqual({ ready: 0, inFlight: 2 });
  });

  it('a message that fails at every receive ends on the dead-letter queue, its neighbours do not', async () => {
    queue = await startTestQueue(1, 2);
    for (const body of ['good', 'poison']) await queue.send(body);
    const receives: string[] = [];
    map(async ({ Records }) => {
      const poison = Records.filter(({ body }) => body === 'poison');
      receives.push(...poison.map(({ attributes }) => attributes.ApproximateReceiveCount));
      return { batchItemFailures: poison.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await until(async () => (await queue.count(queue.deadLetterUrl)).ready === 1);
    expect(receives).toEqual(['1', '2']);
    expect(await isEmpty()).toBe(true);
  });

  it('brings the messages of a worker that died again at once where somebody waits for them', async () => {
    queue = await startTestQueue(600);
    await queue.send('deadly');
    let invocations = 0;
    map(
      async () => {
        invocations++;
        if (invocations === 1) throw new Error('the worker died');
      },
      { returnsFailed: true },
    );
    await until(isEmpty);
    expect(invocations).toBe(2);
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining('the worker died') }),
    ]);
  });

  it('keeps batches and invocations within their limits', async () => {
    queue = await startTestQueue(30);
    for (let n = 0; n < 20; n++) await queue.send(String(n));
    const [running, sizes] = [[0], [] as number[]];
    const bodies = new Set<string>();
    map(
      async ({ Records }) => {
        running.push((running.at(-1) ?? 0) + 1);
        sizes.push(Records.length);
        for (const { body } of Records) bodies.add(body);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running.push((running.at(-1) ?? 0) - 1);
      },
      { batchSize: 3, maximumConcurrency: 2 },
    );
    await until(isEmpty);
    expect(Math.max(...running)).toBe(2);
    expect(Math.max(...sizes)).toBe(3);
    expect(bodies.size).toBe(20);
  });

  it('brings a message to its handler at once', async () => {
    queue = await startTestQueue(30);
    let arrived = 0;
    map(async () => {
      arrived = performance.now();
    });
    const waits: number[] = [];
    for (let n = 0; n < 20; n++) {
      arrived = 0;
      const sent = performance.now();
      await queue.send(String(n));
      await until(() => arrived > 0);
      waits.push(arrived - sent);
    }
    // The median: another process may take the processor for a while.
    expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(20);
  });

  it('stop() waits for the work in flight, and leaves what was not received', async () => {
    queue = await startTestQueue(30);
    await queue.send('a');
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    map(() => finished, { maximumConcurrency: 1 });
    await until(() => mapping.inFlight() === 1);
    await queue.send('b');
    const stopped = mapping.stop();
    finish();
    await stopped;
    expect(mapping.inFlight()).toBe(0);
    expect(await queue.count()).toEqual({ ready: 1, inFlight: 0 });
  });

  it('stop() does not sit out a receive that waits for messages', async () => {
    queue = await startTestQueue(30);
    map(async () => undefined, { waitSeconds: 20 });
    await queue.send('a');
    await until(isEmpty);
    const started = performance.now();
    await mapping.stop();
    expect(performance.now() - started).toBeLessThan(5000);
    expect(errors).toEqual([]);
  });

  it('stop() gives back at once what is not done in time, and does not delete it later', async () => {
    queue = await startTestQueue(300);
    for (const body of ['a', 'b']) await queue.send(body);
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    map(() => finished, { batchSize: 1 });
    await until(() => mapping.inFlight() === 2);
    await mapping.stop(10);
    expect(await queue.count()).toEqual({ ready: 2, inFlight: 0 });
    finish();
    await until(() => mapping.inFlight() === 0);
    const again = await queue.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queue.queueUrl, MaxNumberOfMessages: 10 }),
    );
    expect(again.Messages?.map(({ Body }) => Body).sort()).toEqual(['a', 'b']);
  });

  it('goes on when the queue cannot be reached for a while', async () => {
    queue = await startTestQueue(30);
    const send = queue.sqs.send.bind(queue.sqs);
    let outages = 3;
    // The one thing that a test cannot ask of a server in its own process: to be gone and come back.
    queue.sqs.send = ((command: Parameters<typeof send>[0]) => {
      if (command instanceof ReceiveMessageCommand && outages-- > 0)
        return Promise.reject(new Error('ECONNREFUSED'));
      return send(command);
    }) as typeof queue.sqs.send;
    await queue.send('a');
    map(async () => undefined);
    await until(isEmpty);
    expect(errors).toHaveLength(3);
  });

  it('refuses a batch size or a concurrency that Lambda would refuse', async () => {
    queue = await startTestQueue(30);
    map(async () => undefined);
    for (const options of [{ batchSize: 0 }, { batchSize: 11 }, { maximumConcurrency: 0 }])
      expect(() => map(async () => undefined, options)).toThrow(RangeError);
  });
});
