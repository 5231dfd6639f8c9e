import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import type { OperatorTarget } from '../site/site.ts';
import type { QueueStatus } from './status.ts';

/** The three queues and their dead letters. On AWS the counts are approximate. */
export const readQueues = (target: OperatorTarget, now: Date): Promise<QueueStatus[]> =>
  Promise.all(queueKinds.map((queue) => readQueue(target, queue, now)));

async function readQueue(target: OperatorTarget, queue: QueueKind, now: Date): Promise<QueueStatus> {
  const url = target.queueUrl(queue);
  const deadUrl = target.deadLetterUrl(queue);
  const [main, dead] = [await readCounts(target, url), await readCounts(target, deadUrl)];
  return {
    queue,
    ready: main.ready,
    inFlight: main.inFlight,
    // Where a metric tells the age, it is minutes old: of a queue that is empty by now too.
    oldestSeconds: main.ready + main.inFlight === 0 ? null : await readAge(target, url, now),
    deadLetters: dead.ready + dead.inFlight,
    oldestDeadLetterSeconds: dead.ready + dead.inFlight === 0 ? null : await readAge(target, deadUrl, now),
  };
}

async function readCounts({ sqs }: OperatorTarget, queueUrl: string) {
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

async function readAge({ oldestSentAt }: OperatorTarget, queueUrl: string, now: Date) {
  const sentAt = await oldestSentAt(queueUrl);
  return sentAt === undefined ? null : Math.max(0, Math.round((now.getTime() - sentAt.getTime()) / 1000));
}
