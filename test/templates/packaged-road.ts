import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Message, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { secretOfUrl } from '../../cli/database/database-url.ts';
import { type Cloud, connectionTo, startCloud } from '../../cli/embedded/cloud/start-cloud.ts';
import {
  type EventSourceMapping,
  startEventSourceMapping,
} from '../../cli/embedded/workers/event-source-mapping.ts';
import { makeAwsClients } from '../../shared/aws-clients.ts';
import { makeObjectStore, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { maxReceiveCount, type QueueKind, queueKinds, queueName } from '../../shared/queue/queue-settings.ts';
import { seen } from '../helpers/seen.ts';
import { type ColdFunction, startColdFunction } from './cold-function.ts';
import { account, region } from './intrinsics.ts';
import { type PackagedFunction, readFunctions } from './packaged.ts';
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';

/** Every packaged function at work on the embedded cloud, behind a proxy that writes down what each calls. */
export interface PackagedRoad {
  functions: ReadonlyMap<string, ColdFunction>;
  proxy: RecordingProxy;
  ingested: ObjectStore;
  processed: ObjectStore;
  queueUrl(kind: QueueKind): string;
  invoke(name: string): Promise<unknown>;
  start(kind: QueueKind): void;
  stop(kind: QueueKind): Promise<void>;
  /** Works until the queues are empty. */
  settle(): Promise<void>;
  send(
    kind: QueueKind | `${QueueKind}-dlq`,
    message: Pick<Message, 'Body' | 'MessageAttributes'>,
  ): Promise<void>;
  receive(queue: QueueKind | `${QueueKind}-dlq`): Promise<Message[]>;
  end(): Promise<void>;
}

const functionOf: Record<QueueKind, string> = {
  extract: 'ingestion-extract',
  transform: 'transformation-transform',
  load: 'loading-load',
};
const stage = 'dev';
const bucketName = (zone: string) => `starlift-${stage}-${zone}-${account}-${region}`;

export async function startPackagedRoad(urls: {
  sourceUrl: string;
  warehouseUrl: string;
}): Promise<PackagedRoad> {
  const dataDir = mkdtempSync(join(tmpdir(), 'starlift-packaged-'));
  const cloud = await startCloud(cloudOptions(dataDir, urls));
  const proxy = await startRecordingProxy(cloud.endpoint);
  const functions = new Map<string, ColdFunction>();
  for (const packaged of readFunctions()) {
    functions.set(packaged.name, await startColdFunction(expiring(packaged), proxy.endpoint));
  }
  const clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(cloud.endpoint) });
  const invoke = async (name: string, event: unknown = {}) => {
    const found = functions.get(name);
    if (found === undefined) throw new Error(`there is no function ${name}`);
    return found.invoke(event);
  };
  const mappings = makeMappings(cloud, (kind, event) => invoke(functionOf[kind], event));
  const queueUrl = (kind: QueueKind) => cloud.queueUrl(queueName(stage, kind));
  const urlOf = (queue: string) => cloud.queueUrl(`starlift-${stage}-${queue}`);
  return {
    ...{ functions, proxy, queueUrl, invoke, ...mappings },
    ingested: makeObjectStore(clients.s3, bucketName('ingested')),
    processed: makeObjectStore(clients.s3, bucketName('processed')),
    settle: async () => {
      for (const kind of queueKinds) mappings.start(kind);
      // In the order of the flow: what was behind a look has passed, and nothing comes from before it.
      await seen(() => queueKinds.every((kind) => cloud.countMessages(queueName(stage, kind)) === 0), 120);
    },
    send: async (queue, { Body, MessageAttributes }) => {
      const message = { QueueUrl: urlOf(queue), MessageBody: Body, MessageAttributes };
      await clients.sqs.send(new SendMessageCommand(message));
    },
    receive: async (queue) => {
      const options = { MaxNumberOfMessages: 10, VisibilityTimeout: 0, MessageAttributeNames: ['All'] };
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: urlOf(queue), ...options }),
      );
      return Messages;
    },
    end: async () => {
      for (const kind of queueKinds) await mappings.stop(kind);
      for (const each of functions.values()) await each.stop();
      for (const client of Object.values(clients)) client.destroy();
      await proxy.stop();
      await cloud.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A stage whose objects expire, a hundred days from now. */
function expiring(packaged: PackagedFunction): PackagedFunction {
  if (packaged.name !== 'loading-expire') return packaged;
  const later = 'const now = Date.now; Date.now = () => now() + 100 * 86400000';
  const options = `--import=data:text/javascript,${encodeURIComponent(later)}`;
  const environment = { ...packaged.environment, EXPIRE_AFTER_DAYS: '31', NODE_OPTIONS: options };
  return { ...packaged, environment };
}

function makeMappings(cloud: Cloud, invoke: (kind: QueueKind, event: unknown) => Promise<unknown>) {
  const mappings = new Map<QueueKind, EventSourceMapping>();
  return {
    start: (kind: QueueKind) => {
      if (mappings.has(kind)) return;
      const name = queueName(stage, kind);
      const queue = { queue: cloud.openQueue(name), queueArn: `arn:aws:sqs:${region}:${account}:${name}` };
      const pool = { invoke: (_: string, event: unknown) => invoke(kind, event) };
      const settings = { functionName: kind, batchSize: 1, maximumConcurrency: 1, returnsFailed: true };
      mappings.set(kind, startEventSourceMapping({ ...queue, ...settings, pool }));
    },
    stop: async (kind: QueueKind) => {
      await mappings.get(kind)?.stop();
      mappings.delete(kind);
    },
  };
}

const cloudOptions = (
  dataDir: string,
  { sourceUrl, warehouseUrl }: { sourceUrl: string; warehouseUrl: string },
): Parameters<typeof startCloud>[0] => ({
  ...{ dataDir, buckets: ['ingested', 'processed'].map(bucketName) },
  queues: queueKinds.map((kind) => ({
    ...{ name: queueName(stage, kind), visibilitySeconds: 600, maxReceiveCount },
  })),
  notifications: [
    { bucket: bucketName('ingested'), suffix: '.ndjson.zst', queue: queueName(stage, 'transform') },
    { bucket: bucketName('processed'), suffix: '.parquet', queue: queueName(stage, 'load') },
  ],
  secrets: {
    [`starlift/${stage}/source`]: JSON.stringify(secretOfUrl('--source', sourceUrl)),
    [`starlift/${stage}/warehouse`]: JSON.stringify(secretOfUrl('--warehouse', warehouseUrl)),
  },
});
