import { DescribeRuleCommand, type EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  GetEventSourceMappingCommand,
  GetFunctionConcurrencyCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import {
  GetBucketNotificationConfigurationCommand,
  type QueueConfiguration,
  type S3Client,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { BucketNotification, StageParts } from './stage-parts.ts';

export interface PartClients {
  lambda: Pick<LambdaClient, 'send'>;
  eventBridge: Pick<EventBridgeClient, 'send'>;
  s3: Pick<S3Client, 'send'>;
  sqs: Pick<SQSClient, 'send'>;
}

/**
 * Which parts of a stage do not work as they were deployed: a removal was interrupted, or somebody has stopped them. Nothing
 * else says so: no function fails, for none is called.
 *
 * @returns a sentence for each
 */
export async function findStoppedParts(
  { lambda, eventBridge, s3, sqs }: PartClients,
  parts: StageParts,
  isPaused: boolean,
): Promise<string[]> {
  const functions = parts.functions.map(async ({ name }) => {
    const found = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: name }));
    return found.ReservedConcurrentExecutions === 0 ? `the function ${name} may not run` : undefined;
  });
  const schedules = () =>
    parts.schedules.map(async (Name) => {
      const { State } = await eventBridge.send(new DescribeRuleCommand({ Name }));
      return State === 'DISABLED' ? `the schedule ${Name} is disabled` : undefined;
    });
  const mappings = () =>
    parts.mappings.map(async (UUID) => {
      const { State = '', EventSourceArn = '' } = await lambda.send(
        new GetEventSourceMappingCommand({ UUID }),
      );
      const queue = EventSourceArn.split(':').at(-1);
      return /^Disabl/.test(State) ? `the messages of the queue ${queue} are not taken` : undefined;
    });
  // While it is paused these two are stopped on purpose.
  const switched = isPaused ? [] : [...schedules(), ...mappings()];
  const notifications = parts.notifications.map(async (notification) => {
    const { QueueConfigurations = [] } = await readNotifications(s3, notification.bucket);
    const isThere = isNotified(QueueConfigurations, await readQueueArn(sqs, notification.queueUrl));
    return isThere ? undefined : `the bucket ${notification.bucket} tells nobody of new objects`;
  });
  return (await Promise.all([...functions, ...switched, ...notifications])).flatMap(
    (sentence) => sentence ?? [],
  );
}

export const readNotifications = (s3: Pick<S3Client, 'send'>, Bucket: string) =>
  s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));

/** Whether a queue gets all events of new objects. A rule of its own may have another suffix, or none. */
export const isNotified = (configurations: readonly QueueConfiguration[], queueArn: string): boolean =>
  configurations.some(
    ({ QueueArn, Events = [] }) =>
      QueueArn === queueArn && Events.some((event) => event === 's3:ObjectCreated:*'),
  );

export async function readQueueArn(
  sqs: Pick<SQSClient, 'send'>,
  QueueUrl: BucketNotification['queueUrl'],
): Promise<string> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return Attributes?.QueueArn ?? '';
}
