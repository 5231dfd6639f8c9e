import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { requestTimeouts } from '../../../shared/aws-clients.ts';
import { numberVariable } from '../../../shared/environment.ts';
import type { Model } from '../../../shared/model/model.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { makeOldVersions } from '../../../shared/object-store/old-versions.ts';
import type { DatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import type { Address } from '../../../shared/postgres/tunnel-socket.ts';
import {
  deadLetterQueueName,
  planTimeoutSeconds,
  type QueueKind,
} from '../../../shared/queue/queue-settings.ts';
import { readPublishedModel } from '../../../shared/records/published-model.ts';
import { connectTo, UnreachableError } from '../../database/connect.ts';
import type { Site } from '../site.ts';
import { findStage, formatStageOptions, onAws, type StageResources, stackNames } from './find-stage.ts';
import { readPausedSince } from './paused.ts';
import { readStageSecret, type StageSecret } from './read-stage-secret.ts';
import { findStageParts } from './stage-parts.ts';
import { readOldestSentAt, receiveDeadLetters } from './stage-queues.ts';
import { findStoppedParts } from './stopped-parts.ts';
import { formatVias, type Vias, viaOption } from './via.ts';

/** The counts of SQS are approximate, and follow within a minute. */
const usualQuietSeconds = 70;

/** A stage as the command line names it. */
export interface StageName {
  stage: string;
  /** Undefined: the AWS SDK finds it, as it does the credentials. */
  region: string | undefined;
  /** Near ends of tunnels to its databases, where those are out of reach. */
  via?: Vias;
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
  { stage, region, via }: StageName,
  loadModel: () => Promise<Model>,
): Promise<OpenedStage> {
  const options = { requestHandler: requestTimeouts, ...(region !== undefined && { region }) };
  // The connection is silent while the function runs.
  const socketTimeout = (planTimeoutSeconds + 10) * 1000;
  const lambdaOptions = { ...options, requestHandler: { ...requestTimeouts, socketTimeout } };
  const cloudFormation = new CloudFormationClient(options);
  const resources = await findStage(cloudFormation, stage);
  const [sqs, s3, cloudWatch] = [
    new SQSClient(options),
    new S3Client(options),
    new CloudWatchClient(options),
  ];
  const secretsManager = new SecretsManagerClient(options);
  const stageSelector = formatStageOptions({ stage, region });
  const secret = (what: StageSecret['what']) => ({
    what,
    id: resources[`${what}Secret`],
    selector: stageSelector,
  });
  const connect = async (what: StageSecret['what']) =>
    connectFromHere(await readStageSecret(secretsManager, secret(what)), what, via?.[what]);
  const queueUrl = (kind: QueueKind) => resources[`${kind}QueueUrl`];
  const ingested = makeObjectStore(s3, resources.ingestedBucket);
  const pausedSince = await readPausedSince(ingested);
  const lambda = new LambdaClient(lambdaOptions);
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
      pausedSince,
    },
    selector: `${stageSelector}${formatVias(via)}`,
    stageSelector,
    queueUrl,
    takenBy: 'The stage takes them at once.',
    lambda,
    ingested,
    processed: makeObjectStore(s3, resources.processedBucket),
    oldVersions: {
      ingested: makeOldVersions(s3, resources.ingestedBucket),
      processed: makeOldVersions(s3, resources.processedBucket),
    },
    listStoppedParts: keepForAWhile(async () => {
      const parts = await findStageParts(cloudFormation, stackNames(stage));
      const clients = { lambda, s3, sqs, eventBridge: new EventBridgeClient(options) };
      return findStoppedParts(clients, parts, pausedSince !== undefined);
    }),
    connectWarehouse: () => connect('warehouse'),
    warehouseSchema: resources.warehouseSchema,
    connectSource: () => connect('source'),
    quietSeconds: numberVariable('FORGET_QUIET_SECONDS') ?? usualQuietSeconds,
    listDeadLetters: () => receiveDeadLetters(reading),
    oldestSentAt: (url) => readOldestSentAt(cloudWatch, url),
  };
}

const keptMs = 60_000;

/** A page that follows a stage asks every few seconds, and AWS answers few such questions a second. */
function keepForAWhile<T>(ask: () => Promise<T>): () => Promise<T> {
  let kept: { at: number; answer: Promise<T> } | undefined;
  return () => {
    if (kept !== undefined && performance.now() - kept.at < keptMs) return kept.answer;
    const answer = ask();
    kept = { at: performance.now(), answer };
    answer.catch(() => {
      kept = undefined;
    });
    return answer;
  };
}

/** @throws {UnreachableError} says what leads to a database that only the stage reaches */
async function connectFromHere(
  secret: DatabaseSecret,
  what: StageSecret['what'],
  via: Address | undefined,
): Promise<pg.Client> {
  try {
    return await connectTo(secret, what, { via });
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const hint =
      via === undefined
        ? `where only the stage reaches it, open a tunnel and add ${viaOption(what)} HOST:PORT`
        : 'is the tunnel open?';
    throw new UnreachableError(`${error.message}; ${hint}`, { cause: error });
  }
}
