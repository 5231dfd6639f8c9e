import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import type { Site } from '../site/site.ts';
import type { QueueStatus } from './status.ts';

/** The three queues and their dead letters. On AWS the counts are approximate. */
export const readQueues = (site: Site, now: Date): Promise<QueueStatus[]> =>
  Promise.all(queueKinds.map((queue) => readQueue(site, queue, now)));

async function readQueue(site: Site, queue: QueueKind, now: Date): Promise<QueueStatus> {
  const url = site.queueUrl(queue);
  const deadUrl = site.deadLetterUrl(queue);
  const [main, dead] = [await readCounts(site, url), await readCounts(site, deadUrl)];
  return {
    queue,
    ready: main.ready,
    inFlight: main.inFlight,
    // Where a metric tells the age, it is minutes old: of a queue that is empty by now too.
    oldestSeconds: main.ready + main.inFlight === 0 ? null : await readAge(site, url, now),
    deadLetters: dead.ready + dead.inFlight,
    oldestDeadLetterSeconds: dead.ready + dead.inFlight === 0 ? null : await readAge(site, deadUrl, now),
  };
}

async function readCounts({ sqs }: Site, queueUrl: string) {
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
