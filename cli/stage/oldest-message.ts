import { type CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';

const periodSeconds = 60;
/** CloudWatch has a queue's minute a few minutes later, and of a queue that nobody has used for hours nothing. */
const lookedAtSeconds = 15 * 60;

/**
 * When the oldest message of a queue was sent, as far as CloudWatch knows: SQS itself does not tell.
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
      ...{ Namespace: 'AWS/SQS', MetricName: 'ApproximateAgeOfOldestMessage' },
      Dimensions: [{ Name: 'QueueName', Value: queueUrl.slice(queueUrl.lastIndexOf('/') + 1) }],
      StartTime: new Date(now.getTime() - lookedAtSeconds * 1000),
      EndTime: now,
      ...{ Period: periodSeconds, Statistics: ['Maximum'] },
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
