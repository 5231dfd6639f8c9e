import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import pg from 'pg';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { fillSampleShop } from '../../../models/totesys/sample/fill.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { functionEnvironment } from '../../helpers/network/function-environment.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

/** The plan and extract handlers, between the sample shop and the embedded cloud. */
export interface HandlersUnderTest {
  source: pg.Client;
  ingested: ObjectStore;
  plan(): Promise<PlannedRun>;
  /** Gives messages to the extract's handler. */
  extract(messages: readonly Message[]): Promise<SQSBatchResponse>;
  /** @param waitSeconds how long to wait for the first message; 0 where it is left out */
  receiveAll(queue: string, waitSeconds?: number): Promise<Message[]>;
  listKeys(prefix: string): Promise<string[]>;
  /** The lines of all objects of a source table, sorted. */
  ingestedLines(table: string): Promise<string[]>;
  /** From now on the cloud cannot store this object, which is there already. @returns what ends that */
  refusePuts(key: string): () => void;
  /** Its type and detail. */
  lastEvent(): unknown[];
  stop(): Promise<void>;
}

const context = { awsRequestId: 'test', functionName: 'test' } as Context;

export async function startHandlers(): Promise<HandlersUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), 'starlift-capture-'));
  const server = await startTemporaryPostgres();
  const source = await makeShop(server);
  const cloud = await startSourceCloud(dataDir, server.port);
  const [s3, sqs] = [new S3Client({ forcePathStyle: true }), new SQSClient({})];
  const ingested = makeObjectStore(s3, 'ingested');
  await publishModel(ingested, totesysDefinition);
  // Imported here: a handler reads its environment when it is loaded, as on Lambda.
  type Handler<E, R> = (event: E, context: Context) => Promise<R>;
  const load = async (name: string) =>
    (await import(`../../../services/ingestion/${name}/handler.ts`)).handler;
  const plan: Handler<unknown, PlannedRun> = await load('plan');
  const extract: Handler<SQSEvent, SQSBatchResponse> = await load('extract');
  return {
    source,
    ingested,
    plan: () => plan({}, context),
    extract: (messages) => extract({ Records: messages.map(toRecord) }, context),
    receiveAll: (queue, waitSeconds) => receiveAll(sqs, cloud.queueUrl(queue), waitSeconds),
    listKeys: (prefix) => listKeys(ingested, prefix),
    ingestedLines: (table) => ingestedLines(ingested, table),
    refusePuts: (key) => {
      const path = join(dataDir, 'zones', 'ingested', key);
      if (!existsSync(path)) throw new Error(`there is no ${key}`);
      // No file can take the place of a folder.
      renameSync(path, `${dataDir}/aside`);
      mkdirSync(path);
      return () => {
        rmSync(path, { recursive: true });
        renameSync(`${dataDir}/aside`, path);
      };
    },
    lastEvent: () => {
      const { DetailType, Detail } = cloud.events().at(-1) ?? {};
      return [DetailType, JSON.parse(Detail ?? 'null')];
    },
    stop: async () => {
      for (const client of [sqs, s3]) client.destroy();
      await cloud.stop();
      await source.end();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function makeShop(server: PostgresServer): Promise<pg.Client> {
  const source = new pg.Client({ connectionString: await server.createDatabase('shop') });
  await source.connect();
  await fillSampleShop(source, { orders: 300 });
  await source.query('create role reader login; grant select on all tables in schema public to reader');
  return source;
}

/** The cloud, in whose environment the handlers are. */
async function startSourceCloud(dataDir: string, port: number): Promise<Cloud> {
  const secret = { host: '127.0.0.1', port, dbname: 'shop', username: 'reader', password: '' };
  const cloud = await startCloud({
    dataDir,
    buckets: ['ingested'],
    queues: [{ name: 'extract', visibilitySeconds: 30, maxReceiveCount: 5 }],
    notifications: [],
    secrets: { source: JSON.stringify({ ...secret, sslmode: 'disable' }) },
  });
  Object.assign(process.env, {
    ...functionEnvironment(cloud),
    EXTRACT_QUEUE_URL: cloud.queueUrl('extract'),
    SOURCE_SECRET_ID: 'source',
  });
  return cloud;
}

async function receiveAll(sqs: SQSClient, QueueUrl: string, waitSeconds = 0): Promise<Message[]> {
  const received: Message[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: received.length === 0 ? waitSeconds : 0,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return received;
    received.push(...Messages);
  }
}

const toRecord = (message: Message) =>
  ({
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue }]) => [
        name,
        { stringValue: StringValue, dataType: 'String' },
      ]),
    ),
  }) as SQSRecord;

async function listKeys(ingested: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of ingested.list(prefix)) keys.push(key);
  return keys;
}

async function ingestedLines(ingested: ObjectStore, table: string): Promise<string[]> {
  const lines: string[] = [];
  for (const key of await listKeys(ingested, `${table}/`)) {
    const object = await ingested.get(key);
    const text = zstdDecompressSync(object?.body ?? Buffer.of()).toString('utf8');
    lines.push(...text.split('\n').slice(0, -1));
  }
  return lines.sort();
}
