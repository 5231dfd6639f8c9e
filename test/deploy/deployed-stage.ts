import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { type QueueKind, queueKinds, queueName } from '../../shared/queue/queue-settings.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type CommandResult, lastJson, starlift } from '../helpers/processes/starlift.ts';
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
  /** A command of the command line on this stage; the input is what it reads from stdin. */
  command(args: string, input?: string): Promise<CommandResult>;
  /** The same with --json: its exit code and what it printed. */
  json<T>(args: string): Promise<T & { code: number | null }>;
  /** Puts both databases' secrets, and returns all that the command has printed. */
  putSecrets(): Promise<string>;
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
  { endpoint, environment }: MiniStack,
  { source, warehouse }: Databases,
): DeployedStage {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const connection = { endpoint, region, credentials };
  const lambda = new LambdaClient(connection);
  const sqs = new SQSClient(connection);
  const queueUrl = (kind: QueueKind, suffix = '') =>
    `${endpoint}/000000000000/${queueName(stage, kind)}${suffix}`;
  const command = (args: string, input?: string) =>
    starlift([...args.split(' '), '--stage', stage], environment, input);
  return {
    lambda,
    sqs,
    queueUrl,
    countMessages: (url) => countMessages(sqs, url),
    deadLetters: async () => {
      const counts = queueKinds.map(async (kind) => [kind, await countMessages(sqs, queueUrl(kind, '-dlq'))]);
      return Object.fromEntries(await Promise.all(counts));
    },
    command,
    json: async <T>(args: string) => {
      const result = await command(`${args} --json`);
      return { ...lastJson<T>(result), code: result.code };
    },
    putSecrets: async () => {
      const results = [
        await command('secrets put source', `${source.guardedUrl()}\n`),
        await command('secrets put warehouse', `${warehouse.guardedUrl()}\n`),
      ];
      const told = results.map(({ stdout, stderr }) => stdout + stderr).join('');
      if (results.some(({ code }) => code !== 0)) throw new Error(`a secret was not put:\n${told}`);
      return told;
    },
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

async function isLoaded({ source, warehouse }: Databases): Promise<boolean> {
  const { rows } = await warehouse.admin.query(`select to_regclass('public.fact_payment') as made`);
  if (rows[0]?.made === null) return false;
  const report = await verifyWarehouse({
    source: source.admin,
    warehouse: warehouse.admin,
    warehouseSchema: 'public',
    model: totesys,
  });
  return report.ok;
}
