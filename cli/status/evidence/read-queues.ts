import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import { type Failure, listFailures } from '../../failures/list-failures.ts';
import type { Site } from '../../site/site.ts';

export interface QueueStatus {
  queue: QueueKind;
  /** Messages that wait for a handler, including delayed ones. */
  ready: number;
  inFlight: number;
  /** Age of the oldest message, in seconds; null for an empty queue, or where it cannot be known. */
  oldestSeconds: number | null;
  deadLetters: number;
  oldestDeadLetterSeconds: number | null;
}

export interface QueuesEvidence {
  queues: QueueStatus[];
  /** Dead letters, and the records of those that have expired. */
  letters: Failure[];
}

export async function readQueues(site: Site, now: Date): Promise<QueuesEvidence> {
  const [queues, letters] = await Promise.all([
    Promise.all(queueKinds.map((queue) => readQueue(site, queue, now))),
    listFailures(site),
  ]);
  return { queues, letters };
}

async function readQueue(site: Site, queue: QueueKind, now: Date): Promise<QueueStatus> {
  const url = site.queueUrl(queue);
  const deadUrl = site.deadLetterUrl(queue);
  const [main, dead] = [await countMessagesOf(site, url), await countMessagesOf(site, deadUrl)];
  return {
    queue,
    ready: main.ready,
    inFlight: main.inFlight,
    // An age from a metric is minutes old, and is reported for a queue that has become empty since.
    oldestSeconds: main.ready + main.inFlight === 0 ? null : await readAge(site, url, now),
    deadLetters: dead.ready + dead.inFlight,
    oldestDeadLetterSeconds: dead.ready + dead.inFlight === 0 ? null : await readAge(site, deadUrl, now),
  };
}

/** On AWS the counts are approximate. */
export async function countMessagesOf(
  { sqs }: Pick<Site, 'sqs'>,
  queueUrl: string,
): Promise<{ ready: number; inFlight: number }> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  const ready = Number(Attributes.ApproximateNumberOfMessages ?? 0);
  const delayed = Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0);
  return {
    ready: ready + delayed,
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
  };
}

async function readAge({ oldestSentAt }: Site, queueUrl: string, now: Date) {
  const sentAt = await oldestSentAt(queueUrl);
  return sentAt === undefined ? null : Math.max(0, Math.round((now.getTime() - sentAt.getTime()) / 1000));
}
