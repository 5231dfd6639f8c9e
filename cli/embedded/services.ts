import {
  batchSize,
  functionTimeoutSeconds,
  planTimeoutSeconds,
  type QueueKind,
  queueKinds,
  sweepTimeoutSeconds,
} from '../../shared/queue/queue-settings.ts';
import type { Cloud } from './cloud/start-cloud.ts';
import { buckets, queueNames, secretIds, stage } from './resources.ts';
import { type EventSourceMapping, startEventSourceMapping } from './workers/event-source-mapping.ts';
import { moduleAt } from './workers/module-at.ts';
import { startWorkerPool, type WorkerPool } from './workers/worker-pool.ts';

export const sweepOf = <K extends QueueKind>(kind: K) => `sweep-${kind}` as const;

/** The services' functions, and the modules that export their handlers. */
const handlers: Record<'plan' | QueueKind | ReturnType<typeof sweepOf>, string> = {
  plan: moduleAt('services/ingestion/plan/handler'),
  extract: moduleAt('services/ingestion/extract/handler'),
  transform: moduleAt('services/transformation/transform/handler'),
  load: moduleAt('services/loading/load/handler'),
  'sweep-extract': moduleAt('services/ingestion/sweep/handler'),
  'sweep-transform': moduleAt('services/transformation/sweep/handler'),
  'sweep-load': moduleAt('services/loading/sweep/handler'),
};

export interface ServiceOptions {
  /** 'trusted' where the server's data folder is our own. */
  sourceRestart: 'identity' | 'trusted';
  warehouseSchema: string;
  foreignKeys: string;
  /** Worker processes. */
  workers: number;
  onLog: (line: string) => void;
}

/** The three services at work: handlers in processes of their own, fed from the queues. */
export interface Services {
  /** Begins to take messages from the queues. */
  start(): void;
  /** Runs the plan function, as the schedule does on AWS. */
  plan(): Promise<unknown>;
  /** Runs the sweep of this queue, as the schedule does on AWS. */
  sweep(kind: QueueKind): Promise<unknown>;
  /** Takes no more messages, and returns what is not done to its queue. */
  release(): Promise<void>;
  /** Comes after that. */
  endWorkers(): Promise<void>;
}

/** The cloud that the services work on: the embedded one, or another that speaks AWS' protocols. */
export type ServiceCloud = Pick<Cloud, 'endpoint' | 'region' | 'queueUrl' | 'openQueue'>;

/** What AWS would set from serverless.yml, and the endpoint that the SDK takes in place of AWS. */
export function makeEnvironment(
  cloud: ServiceCloud,
  options: Pick<ServiceOptions, 'sourceRestart' | 'warehouseSchema' | 'foreignKeys'>,
): Record<string, string> {
  return {
    STAGE: stage,
    INGESTED_BUCKET: buckets.ingested,
    PROCESSED_BUCKET: buckets.processed,
    EXTRACT_QUEUE_URL: cloud.queueUrl(queueNames.extract),
    TRANSFORM_QUEUE_URL: cloud.queueUrl(queueNames.transform),
    LOAD_QUEUE_URL: cloud.queueUrl(queueNames.load),
    SOURCE_SECRET_ID: secretIds.source,
    WAREHOUSE_SECRET_ID: secretIds.warehouse,
    WAREHOUSE_SCHEMA: options.warehouseSchema,
    WAREHOUSE_FOREIGN_KEYS: options.foreignKeys,
    SOURCE_RESTART: options.sourceRestart,
    S3_FORCE_PATH_STYLE: 'true',
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: 'starlift',
    AWS_SECRET_ACCESS_KEY: 'starlift',
    // There is no CloudWatch to read them.
    POWERTOOLS_METRICS_DISABLED: 'true',
    POWERTOOLS_LOG_LEVEL: process.env.POWERTOOLS_LOG_LEVEL ?? 'WARN',
  };
}

// Two where most of the time goes to waiting for Postgres. A transform waits for nothing.
const concurrency: Record<QueueKind, number> = { extract: 2, transform: 1, load: 2 };

/** Of the 5 s in which a run ends: the rest is for the workers and for Postgres. */
const graceMs = 2500;

export function startServices(cloud: ServiceCloud, options: ServiceOptions): Services {
  const pool: WorkerPool = startWorkerPool({
    size: options.workers,
    concurrency,
    handlers,
    env: makeEnvironment(cloud, options),
    timeoutSeconds: {
      plan: planTimeoutSeconds,
      ...functionTimeoutSeconds,
      ...Object.fromEntries(queueKinds.map((kind) => [sweepOf(kind), sweepTimeoutSeconds])),
    },
    onLog: options.onLog,
  });
  let mappings: EventSourceMapping[] = [];
  return {
    start: () => {
      mappings = queueKinds.map((kind) => startMapping(kind, pool, cloud, options));
    },
    plan: () => pool.invoke('plan', {}),
    sweep: (kind) => pool.invoke(sweepOf(kind), {}),
    release: async () => {
      await Promise.all(mappings.map((mapping) => mapping.stop(graceMs)));
    },
    endWorkers: () => pool.stop(),
  };
}

const startMapping = (
  kind: QueueKind,
  pool: WorkerPool,
  cloud: ServiceCloud,
  { workers, onLog }: ServiceOptions,
): EventSourceMapping =>
  startEventSourceMapping({
    queue: cloud.openQueue(queueNames[kind]),
    queueArn: `arn:aws:sqs:${cloud.region}:000000000000:${queueNames[kind]}`,
    functionName: kind,
    batchSize: batchSize[kind],
    maximumConcurrency: workers * concurrency[kind],
    returnsFailed: true,
    pool,
    onError: (error) => onLog(`${kind}: ${error instanceof Error ? error.message : String(error)}`),
  });
