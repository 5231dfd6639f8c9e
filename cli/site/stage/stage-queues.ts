import { type CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import {
  giveBack,
  type ReceivedMessage,
  receiveAll,
  textAttributes,
} from '../../../shared/queue/receive-all.ts';
import { compareByAge, type DeadLetter, describeDeadLetter, type QueuedMessage } from '../dead-letter.ts';
import type { Site } from '../site.ts';

/**
 * All dead letters of a deployed stage, oldest first. SQS shows a message only to its receiver, so each is received
 * for a short time and given back.
 */
export async function receiveDeadLetters({
  sqs,
  deadLetterUrl,
  receiveWaitSeconds,
}: Pick<Site, 'sqs' | 'deadLetterUrl' | 'receiveWaitSeconds'>): Promise<DeadLetter[]> {
  const receiveFrom = async (queue: QueueKind) => {
    const held: ReceivedMessage[] = [];
    try {
      const options = { waitSeconds: receiveWaitSeconds };
      for await (const messages of receiveAll(sqs, deadLetterUrl(queue), options)) held.push(...messages);
    } finally {
      await giveBack(sqs, deadLetterUrl(queue), held);
    }
    return held.map((message) => describeDeadLetter(queue, toQueuedMessage(message)));
  };
  // All at once: each waits a second to be sure that nothing is left in its queue.
  return (await Promise.all(queueKinds.map(receiveFrom))).flat().sort(compareByAge);
}

const toQueuedMessage = (message: ReceivedMessage): QueuedMessage => ({
  messageId: message.MessageId,
  body: message.Body ?? '',
  sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)),
  attributes: textAttributes(message),
  sourceArn: message.Attributes?.DeadLetterQueueSourceArn,
});

const periodSeconds = 60;
/** CloudWatch shows a queue's metrics a few minutes late, and none for a queue that was idle for hours. */
const lookedAtSeconds = 15 * 60;

/**
 * When the oldest message of a queue was sent, as far as CloudWatch knows: SQS itself does not say.
 *
 * @returns undefined where no message waited, or CloudWatch has nothing of the last quarter of an hour
 */
export async function readOldestSentAt(
  cloudWatch: Pick<CloudWatchClient, 'send'>,
  queueUrl: string,
  now: Date = new Date(),
): Promise<Date | undefined> {
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateAgeOfOldestMessage',
      Dimensions: [{ Name: 'QueueName', Value: queueUrl.slice(queueUrl.lastIndexOf('/') + 1) }],
      StartTime: new Date(now.getTime() - lookedAtSeconds * 1000),
      EndTime: now,
      Period: periodSeconds,
      Statistics: ['Maximum'],
    }),
  );
  const latest = Datapoints.reduce<{ startedAt: number; ageSeconds: number } | undefined>(
    (newest, { Timestamp, Maximum }) => {
      const startedAt = Timestamp?.getTime() ?? 0;
      return newest !== undefined && newest.startedAt > startedAt
        ? newest
        : { startedAt, ageSeconds: Maximum ?? 0 };
    },
    undefined,
  );
  if (latest === undefined || latest.ageSeconds === 0) return undefined;
  // A message ages until the period ends.
  return new Date(latest.startedAt + (periodSeconds - latest.ageSeconds) * 1000);
}
