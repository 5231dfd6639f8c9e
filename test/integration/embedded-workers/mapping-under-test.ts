import type { SQSEvent } from 'aws-lambda';
import {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from '../../../cli/embedded/workers/event-source-mapping.ts';
import { openSqsQueue } from '../../helpers/network/sqs-queue.ts';
import { startInlinePool } from '../../helpers/processes/inline-pool.ts';
import { startTestQueue, type TestQueue } from './queue.ts';

type MapOptions = Partial<
  Pick<EventSourceMappingOptions, 'batchSize' | 'maximumConcurrency' | 'returnsFailed'>
> & { waitSeconds?: number };

/** A queue, and a mapping of it to a test's own function. */
export interface MappingUnderTest {
  queue: TestQueue;
  /** What the mapping has told of. */
  errors: unknown[];
  /** Starts the mapping. */
  map(work: (event: SQSEvent) => Promise<unknown>, options?: MapOptions): void;
  mapping(): EventSourceMapping;
  isEmpty(): Promise<boolean>;
  end(): Promise<void>;
}

export async function startMapping(
  ...queueSettings: Parameters<typeof startTestQueue>
): Promise<MappingUnderTest> {
  const queue = await startTestQueue(...queueSettings);
  const errors: unknown[] = [];
  let mapping: EventSourceMapping | undefined;
  const started = () => {
    if (mapping === undefined) throw new Error('the queue is not mapped yet');
    return mapping;
  };
  return {
    queue,
    errors,
    mapping: started,
    map: (work, { waitSeconds = 1, ...options } = {}) => {
      const pool = startInlinePool({ work: (event) => work(event as SQSEvent) }, 10);
      const { sqs, queueUrl, queueArn } = queue;
      mapping = startEventSourceMapping({
        queue: openSqsQueue(sqs, queueUrl, waitSeconds),
        queueArn,
        functionName: 'work',
        pool,
        batchSize: 10,
        maximumConcurrency: 2,
        returnsFailed: false,
        ...options,
        onError: (error) => errors.push(error),
      });
    },
    isEmpty: async () => {
      const { ready, inFlight } = await queue.count();
      return ready + inFlight === 0;
    },
    end: async () => {
      await mapping?.stop(0);
      await queue.close();
    },
  };
}
