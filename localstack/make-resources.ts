import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { buckets, queueNames, secretIds, stage } from '../cli/embedded/resources.ts';
import type { AwsClients } from '../shared/aws-clients.ts';
import type { DatabaseSecret } from '../shared/postgres/database-secret.ts';
import {
  deadLetterQueueName,
  maxReceiveCount,
  queueKinds,
  visibilitySeconds,
} from '../shared/queue/queue-settings.ts';

/** LocalStack's account, where the access key names none. */
const accountId = '000000000000';
export const region = 'eu-west-2';

/** Takes every event of this stage's pipeline (docs/events.md). */
export const eventQueueName = 'starlift-embedded-events';

const arnOf = (queue: string): string => `arn:aws:sqs:${region}:${accountId}:${queue}`;
const days = (count: number): string => String(count * 24 * 3600);

/** Makes what the three services' templates make in an account, under the names of the embedded stack. */
export async function makeResources(
  { s3, sqs, secretsManager, eventBridge }: AwsClients,
  secrets: Record<'source' | 'warehouse', DatabaseSecret>,
): Promise<void> {
  for (const kind of queueKinds) await makeQueue(sqs, queueNames[kind], visibilitySeconds(kind));
  await makeBucket(s3, buckets.ingested, '.ndjson.zst', queueNames.transform);
  await makeBucket(s3, buckets.processed, '.parquet', queueNames.load);
  for (const which of ['source', 'warehouse'] as const) {
    const SecretString = JSON.stringify(secrets[which]);
    await secretsManager.send(new CreateSecretCommand({ Name: secretIds[which], SecretString }));
  }
  await sqs.send(new CreateQueueCommand({ QueueName: eventQueueName }));
  const EventPattern = JSON.stringify({ source: ['starlift'], detail: { stage: [stage] } });
  await eventBridge.send(new PutRuleCommand({ Name: eventQueueName, EventPattern }));
  const Targets = [{ Id: 'queue', Arn: arnOf(eventQueueName) }];
  await eventBridge.send(new PutTargetsCommand({ Rule: eventQueueName, Targets }));
}

async function makeQueue(sqs: SQSClient, QueueName: string, seconds: number): Promise<void> {
  const deadLetters = deadLetterQueueName(QueueName);
  const Attributes = { MessageRetentionPeriod: days(14) };
  await sqs.send(new CreateQueueCommand({ QueueName: deadLetters, Attributes }));
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(deadLetters), maxReceiveCount });
  await sqs.send(
    new CreateQueueCommand({
      QueueName,
      Attributes: { VisibilityTimeout: String(seconds), MessageRetentionPeriod: days(4), RedrivePolicy },
    }),
  );
}

async function makeBucket(s3: S3Client, Bucket: string, suffix: string, queue: string): Promise<void> {
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  try {
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  } catch (error) {
    // A first call that takes long is sent again by the SDK.
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  }
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const Filter = { Key: { FilterRules: [{ Name: 'suffix' as const, Value: suffix }] } };
  const toQueue = { QueueArn: arnOf(queue), Events: ['s3:ObjectCreated:*' as const], Filter };
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: { QueueConfigurations: [toQueue] },
    }),
  );
}
