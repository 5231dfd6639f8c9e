import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { requestTimeouts } from '../../../shared/aws-clients.ts';
import type { Model } from '../../../shared/model/model.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import {
  deadLetterQueueName,
  planTimeoutSeconds,
  type QueueKind,
} from '../../../shared/queue/queue-settings.ts';
import { readPublishedModel } from '../../../shared/records/published-model.ts';
import { connectTo } from '../../database/connect.ts';
import type { Site } from '../site.ts';
import { findStage, formatStageOptions, onAws, type StageResources } from './find-stage.ts';
import { readPausedSince } from './paused.ts';
import { readStageSecret, type StageSecret } from './read-stage-secret.ts';
import { readOldestSentAt, receiveDeadLetters } from './stage-queues.ts';

/** A stage as the command line names it. */
export interface StageName {
  stage: string;
  /** Undefined: the AWS SDK finds it, as it does the credentials. */
  region: string | undefined;
}

/** A deployed stage, as commands and runs see it. */
export interface OpenedStage extends Site {
  stage: string;
  resources: StageResources;
  lambda: Pick<LambdaClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  secret(what: StageSecret['what']): StageSecret;
  connectSource(): Promise<pg.Client>;
}

/**
 * Opens a deployed stage for one piece of work.
 *
 * @throws {UsageError} the stage does not exist or is incomplete, AWS cannot be reached, or a region,
 * credentials or rights are missing
 */
export async function withStage<T>(
  name: StageName,
  loadModel: () => Promise<Model>,
  work: (stage: OpenedStage) => Promise<T>,
): Promise<T> {
  return onAws(async () => work(await openStage(name, loadModel)));
}

async function openStage(
  { stage, region }: StageName,
  loadModel: () => Promise<Model>,
): Promise<OpenedStage> {
  const options = { requestHandler: requestTimeouts, ...(region !== undefined && { region }) };
  // The connection is silent while the function runs.
  const socketTimeout = (planTimeoutSeconds + 10) * 1000;
  const lambdaOptions = { ...options, requestHandler: { ...requestTimeouts, socketTimeout } };
  const resources = await findStage(new CloudFormationClient(options), stage);
  const [sqs, s3, cloudWatch] = [
    new SQSClient(options),
    new S3Client(options),
    new CloudWatchClient(options),
  ];
  const secretsManager = new SecretsManagerClient(options);
  const selector = formatStageOptions({ stage, region });
  const secret = (what: StageSecret['what']) => ({ what, id: resources[`${what}Secret`], selector });
  const connect = async (what: StageSecret['what']) =>
    connectTo(await readStageSecret(secretsManager, secret(what)), what);
  const queueUrl = (kind: QueueKind) => resources[`${kind}QueueUrl`];
  const ingested = makeObjectStore(s3, resources.ingestedBucket);
  const reading = {
    sqs,
    deadLetterUrl: (kind: QueueKind) => deadLetterQueueName(queueUrl(kind)),
    // A queue is spread over servers, and only a receive that waits asks all of them.
    receiveWaitSeconds: 1,
  };
  return {
    ...reading,
    // A stage that was deployed before its first model was published has none.
    model: (await readPublishedModel(ingested))?.model ?? (await loadModel()),
    stage,
    resources,
    secretsManager,
    secret,
    activity: {
      isRunning: true,
      pid: undefined,
      endedUnexpectedly: false,
      everySeconds: resources.planEverySeconds,
      pausedSince: await readPausedSince(ingested),
    },
    selector,
    queueUrl,
    takenBy: 'The stage takes them at once.',
    lambda: new LambdaClient(lambdaOptions),
    ingested,
    processed: makeObjectStore(s3, resources.processedBucket),
    connectWarehouse: () => connect('warehouse'),
    warehouseSchema: resources.warehouseSchema,
    connectSource: () => connect('source'),
    listDeadLetters: () => receiveDeadLetters(reading),
    oldestSentAt: (url) => readOldestSentAt(cloudWatch, url),
  };
}
