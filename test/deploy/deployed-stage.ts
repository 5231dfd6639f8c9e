import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { type QueueKind, queueKinds, queueName } from '../../shared/queue/queue-settings.ts';
import type { GuardedDatabase } from './guarded-database.ts';
import type { MiniStack } from './ministack.ts';
import { region } from './ministack.ts';
import { waitUntil } from './wait-until.ts';

export interface DeployedStage {
  lambda: LambdaClient;
  sqs: SQSClient;
  queueUrl(kind: QueueKind, suffix?: '-dlq'): string;
  /** Messages on a queue, those in hand included. */
  countMessages(url: string): Promise<number>;
  deadLetters(): Promise<Record<QueueKind, number>>;
  putSecrets(): Promise<void>;
  /** Calls a function and waits for its answer. */
  invoke(name: string): Promise<unknown>;
  /** Waits until the warehouse is what the source says. */
  waitUntilLoaded(seconds: number): Promise<void>;
}

export interface Databases {
  source: GuardedDatabase;
  warehouse: GuardedDatabase;
}

/** A deployed stage, seen through AWS's own API. */
export function openStage(
  stage: string,
  { endpoint }: MiniStack,
  { source, warehouse }: Databases,
): DeployedStage {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const connection = { endpoint, region, credentials };
  const lambda = new LambdaClient(connection);
  const sqs = new SQSClient(connection);
  const secretsManager = new SecretsManagerClient(connection);
  const queueUrl = (kind: QueueKind, suffix = '') =>
    `${endpoint}/000000000000/${queueName(stage, kind)}${suffix}`;
  const putSecret = (name: string, value: unknown) =>
    secretsManager.send(
      new PutSecretValueCommand({
        SecretId: `starlift/${stage}/${name}`,
        SecretString: JSON.stringify(value),
      }),
    );
  return {
    lambda,
    sqs,
    queueUrl,
    countMessages: (url) => countMessages(sqs, url),
    deadLetters: async () => {
      const counts = queueKinds.map(async (kind) => [kind, await countMessages(sqs, queueUrl(kind, '-dlq'))]);
      return Object.fromEntries(await Promise.all(counts));
    },
    putSecrets: async () => {
      await putSecret('source', source.secret());
      await putSecret('warehouse', warehouse.secret());
    },
    invoke: (name) => invoke(lambda, name),
    waitUntilLoaded: async (seconds) => {
      await waitUntil('the warehouse is what the source says', seconds, () =>
        isLoaded({ source, warehouse }),
      );
    },
  };
}

async function countMessages(sqs: SQSClient, QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
}

async function invoke(lambda: LambdaClient, FunctionName: string): Promise<unknown> {
  const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName }));
  const text = Buffer.from(Payload ?? []).toString();
  if (FunctionError !== undefined) throw new Error(`${FunctionName}: ${text}`);
  return JSON.parse(text);
}

async function isLoaded({ source, warehouse }: Databases): Promise<boolean> {
  const { rows } = await warehouse.admin.query(`select to_regclass('public.fact_payment') as made`);
  if (rows[0]?.made === null) return false;
  const report = await verifyWarehouse({
    source: source.admin,
    warehouse: warehouse.admin,
    warehouseSchema: 'public',
  });
  return report.ok;
}
