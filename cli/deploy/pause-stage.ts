import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { PutBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { requestTimeouts } from '../../shared/aws-clients.ts';
import { makeObjectStore, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { findStage, stackNames } from '../site/stage/find-stage.ts';
import type { StageName } from '../site/stage/open-stage.ts';
import { forgetPaused, notePaused, readPausedSince } from '../site/stage/paused.ts';
import { type BucketNotification, findStageParts, type StageParts } from '../site/stage/stage-parts.ts';
import { isNotified, readNotifications, readQueueArn } from '../site/stage/stopped-parts.ts';

/** What was not as deployed, and is again. */
export interface Mended {
  functions: string[];
  buckets: string[];
}

export function describeMended({ functions, buckets }: Mended): string[] {
  const sentences = [];
  if (functions.length > 0)
    sentences.push(`The reserved concurrency of ${functions.join(', ')} was not as deployed, and is again.`);
  if (buckets.length > 0)
    sentences.push(
      `${buckets.join(' and ')} told nobody of new objects, and do${buckets.length === 1 ? 'es' : ''} again: the sweeps find what came meanwhile.`,
    );
  return sentences;
}

interface Switchboard {
  parts: StageParts;
  ingested: ObjectStore;
  lambda: LambdaClient;
  eventBridge: EventBridgeClient;
  s3: S3Client;
  sqs: SQSClient;
}

/**
 * Stops what works by itself: schedules call nobody, and messages stay on their queues. What is under way ends by itself.
 *
 * @returns whether it was paused already
 */
export async function pauseStage(name: StageName): Promise<boolean> {
  const { parts, ingested, lambda, eventBridge } = await openSwitchboard(name);
  // First: status says so from here on, also where what follows is interrupted.
  const wasPaused = await notePaused(ingested, new Date());
  for (const Name of parts.schedules) await eventBridge.send(new DisableRuleCommand({ Name }));
  for (const UUID of parts.mappings) {
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
  }
  return wasPaused;
}

/**
 * Lets a stage work as its templates say, whatever has stopped it: a pause, a removal that was interrupted, or somebody in
 * the console.
 */
export async function resumeStage(name: StageName): Promise<Mended> {
  const switchboard = await openSwitchboard(name);
  const mended = await switchOn(switchboard);
  await forgetPaused(switchboard.ingested);
  return mended;
}

/** The same at the end of a deploy, unless the stage is paused. @returns undefined where it is, and stays so */
export async function mendStage(name: StageName): Promise<Mended | undefined> {
  const switchboard = await openSwitchboard(name);
  if ((await readPausedSince(switchboard.ingested)) !== undefined) return undefined;
  return switchOn(switchboard);
}

async function switchOn({ parts, lambda, eventBridge, s3, sqs }: Switchboard): Promise<Mended> {
  const functions = await restoreConcurrency(lambda, parts);
  const buckets = [];
  for (const notification of parts.notifications)
    if (await restoreNotification({ s3, sqs }, notification)) buckets.push(notification.bucket);
  for (const UUID of parts.mappings) {
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  }
  for (const Name of parts.schedules) await eventBridge.send(new EnableRuleCommand({ Name }));
  return { functions, buckets };
}

async function restoreConcurrency(lambda: LambdaClient, { functions }: StageParts): Promise<string[]> {
  const mended = [];
  for (const { name, reserved } of functions) {
    const found = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: name }));
    if (found.ReservedConcurrentExecutions === reserved) continue;
    if (reserved === undefined)
      await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: name }));
    else {
      const input = { FunctionName: name, ReservedConcurrentExecutions: reserved };
      await lambda.send(new PutFunctionConcurrencyCommand(input));
    }
    mended.push(name);
  }
  return mended;
}

/** Others' notifications stay. @returns whether it was not there */
async function restoreNotification(
  { s3, sqs }: Pick<Switchboard, 's3' | 'sqs'>,
  { bucket, queueUrl, Events, Filter }: BucketNotification,
): Promise<boolean> {
  const { $metadata: _, ...found } = await readNotifications(s3, bucket);
  const QueueArn = await readQueueArn(sqs, queueUrl);
  const { QueueConfigurations = [] } = found;
  if (isNotified(QueueConfigurations, QueueArn)) return false;
  const own = { QueueArn, Events, Filter };
  const configuration = { ...found, QueueConfigurations: [...QueueConfigurations, own] };
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      NotificationConfiguration: configuration,
    }),
  );
  return true;
}

async function openSwitchboard({ stage, region }: StageName): Promise<Switchboard> {
  const options = { requestHandler: requestTimeouts, ...(region !== undefined && { region }) };
  const cloudFormation = new CloudFormationClient(options);
  const { ingestedBucket } = await findStage(cloudFormation, stage);
  const s3 = new S3Client(options);
  return {
    parts: await findStageParts(cloudFormation, stackNames(stage)),
    ingested: makeObjectStore(s3, ingestedBucket),
    lambda: new LambdaClient(options),
    eventBridge: new EventBridgeClient(options),
    s3,
    sqs: new SQSClient(options),
  };
}
