import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secretOfUrl } from '../../../cli/database/database-url.ts';
import { connectionTo, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { buckets, queueNames, secretIds, stage } from '../../../cli/embedded/resources.ts';
import {
  type EventSourceMapping,
  startEventSourceMapping,
} from '../../../cli/embedded/workers/event-source-mapping.ts';
import type { DeadLetter } from '../../../cli/site/dead-letter.ts';
import { isDrained, listDeadLetters } from '../../../cli/site/embedded/embedded-queues.ts';
import { type AwsClients, makeAwsClients } from '../../../shared/aws-clients.ts';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { maxReceiveCount, type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { totesysDefinition } from '../models/totesys.ts';
import { startInlinePool } from '../processes/inline-pool.ts';
import { seen } from '../seen.ts';
import { type HandlerEnvironments, loadEnvironments } from './handler-environments.ts';

export interface InlineRoadOptions {
  sourceUrl: string;
  warehouseUrl: string;
  /** Messages in one invocation: 10, where the product has 1, so that a bad one has neighbours. */
  batchSize?: number;
  /** The model that is published; the sample shop's by default. */
  definition?: ModelDefinition;
  /** Execution environments of each queue's function, each with connections of its own: 2. */
  environments?: Partial<Record<QueueKind, number>>;
  /** Plans leave larger tables out while the source counts no write to them; as in the product by default. */
  quietAboveMib?: number;
  /** Of the functions, in place of what they have by default. */
  variables?: Record<string, string>;
}

/** The whole road in this process: the product's handlers, fed from the product's queues. */
export interface InlineRoad {
  clients: AwsClients;
  ingested: ObjectStore;
  processed: ObjectStore;
  queueUrl(kind: QueueKind): string;
  putSecret(which: 'source' | 'warehouse', url: string): void;
  events(): { type: string; detail: Record<string, unknown> }[];
  deadLetters(): Promise<DeadLetter[]>;
  plan(event?: { isExact: boolean }): Promise<PlannedRun>;
  /** Takes messages from the queue, until it is stopped. */
  start(kind: QueueKind): void;
  stop(kind: QueueKind): Promise<void>;
  /** Works until the queues, up to and including this one, are empty. */
  settle(upTo?: QueueKind, seconds?: number): Promise<void>;
  /** Plans and settles. */
  run(event?: { isExact: boolean }): Promise<PlannedRun>;
  end(): Promise<void>;
}

export async function startInlineRoad(options: InlineRoadOptions): Promise<InlineRoad> {
  const dataDir = mkdtempSync(join(tmpdir(), 'starlift-road-'));
  const cloud = await startCloud(cloudOptions(dataDir));
  const putSecret = (which: 'source' | 'warehouse', url: string) =>
    cloud.putSecret(secretIds[which], JSON.stringify(secretOfUrl('--source', url)));
  putSecret('source', options.sourceUrl);
  putSecret('warehouse', options.warehouseUrl);
  const clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(cloud.endpoint) });
  const queueUrl = (kind: QueueKind) => cloud.queueUrl(queueNames[kind]);
  await publishModel(makeObjectStore(clients.s3, buckets.ingested), options.definition ?? totesysDefinition);
  setEnvironment(cloud.endpoint, cloud.region, queueUrl);
  process.env.QUIET_ABOVE_MIB = String(options.quietAboveMib ?? '');
  Object.assign(process.env, { LOOK_SETTINGS: '', ...options.variables });
  const counts = { plan: 1, extract: 2, transform: 2, load: 2, ...options.environments };
  const environments: HandlerEnvironments = await loadEnvironments(counts);
  const size = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const pool = startInlinePool(environments, size);
  const mappings = new Map<QueueKind, EventSourceMapping>();
  const start = (kind: QueueKind) => {
    if (mappings.has(kind)) return;
    const mapping = startEventSourceMapping({
      queue: cloud.openQueue(queueNames[kind]),
      queueArn: `arn:aws:sqs:x:0:${queueNames[kind]}`,
      functionName: kind,
      batchSize: options.batchSize ?? 10,
      maximumConcurrency: counts[kind],
      pool,
    });
    mappings.set(kind, mapping);
  };
  const stop = async (kind: QueueKind) => {
    await mappings.get(kind)?.stop();
    mappings.delete(kind);
  };
  const settle = async (upTo: QueueKind = 'load', seconds = 50) => {
    const kinds = queueKinds.slice(0, queueKinds.indexOf(upTo) + 1);
    for (const kind of kinds) start(kind);
    await seen(() => isDrained(cloud, kinds), seconds);
  };
  const plan = async (event = { isExact: false }) => (await pool.invoke('plan', event)) as PlannedRun;
  return {
    clients,
    queueUrl,
    putSecret,
    plan,
    start,
    stop,
    settle,
    ingested: makeObjectStore(clients.s3, buckets.ingested),
    processed: makeObjectStore(clients.s3, buckets.processed),
    events: () =>
      cloud.events().map(({ DetailType = '', Detail = '{}' }) => ({
        type: DetailType,
        detail: JSON.parse(Detail) as Record<string, unknown>,
      })),
    deadLetters: () => listDeadLetters(cloud.endpoint),
    run: async (event) => {
      const planned = await plan(event);
      await settle();
      return planned;
    },
    end: async () => {
      for (const kind of queueKinds) await stop(kind);
      await pool.stop();
      for (const client of Object.values(clients)) client.destroy();
      await cloud.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const cloudOptions = (dataDir: string): Parameters<typeof startCloud>[0] => ({
  dataDir,
  buckets: Object.values(buckets),
  secrets: {},
  queues: queueKinds.map((kind) => ({ name: queueNames[kind], visibilitySeconds: 600, maxReceiveCount })),
  notifications: [
    { bucket: buckets.ingested, suffix: '.ndjson.zst', queue: queueNames.transform },
    { bucket: buckets.processed, suffix: '.parquet', queue: queueNames.load },
  ],
});

/** What handlers read when they are loaded. A test may have set the log level. */
function setEnvironment(endpoint: string, region: string, queueUrl: (kind: QueueKind) => string): void {
  Object.assign(process.env, {
    STAGE: stage,
    INGESTED_BUCKET: buckets.ingested,
    PROCESSED_BUCKET: buckets.processed,
    EXTRACT_QUEUE_URL: queueUrl('extract'),
    TRANSFORM_QUEUE_URL: queueUrl('transform'),
    LOAD_QUEUE_URL: queueUrl('load'),
    SOURCE_SECRET_ID: secretIds.source,
    WAREHOUSE_SECRET_ID: secretIds.warehouse,
    S3_FORCE_PATH_STYLE: 'true',
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'starlift',
    AWS_SECRET_ACCESS_KEY: 'starlift',
    POWERTOOLS_LOG_LEVEL: process.env.POWERTOOLS_LOG_LEVEL ?? 'SILENT',
  });
}
