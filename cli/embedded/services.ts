import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { parseObjectCreated } from '../../shared/queue/object-created.ts';
import {
  batchSize,
  functionTimeoutSeconds,
  planTimeoutSeconds,
  type QueueKind,
  queueKinds,
  sweepTimeoutSeconds,
} from '../../shared/queue/queue-settings.ts';
import type { QueueControl, QueueSource } from './cloud/queue-store.ts';
import type { Cloud } from './cloud/start-cloud.ts';
import { buckets, queueNames, secretIds, stage } from './resources.ts';
import {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from './workers/event-source-mapping.ts';
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
  /** See CENSUS_FLOOR_SECONDS in docs/design.md. */
  censusFloorSeconds?: number;
  looking?: LookOptions;
  /** Worker processes. */
  workers: number;
  onLog: (line: string) => void;
}

/** Which tables a plan leaves out while nothing is reported of them. */
export interface LookOptions {
  /** How old the warehouse may become; undefined where nobody has said so. */
  freshnessSeconds?: number | undefined;
  /** Smaller tables are always looked at. */
  quietAboveMib?: number;
  /** All tables are always looked at. */
  isExact?: boolean;
}

/** The three services at work: handlers in processes of their own, fed from the queues. */
export interface Services {
  /** Begins to take messages from the queues. */
  start(): void;
  /** Runs the plan function, as the schedule does on AWS. */
  plan(): Promise<unknown>;
  /** Runs the sweep of this queue, as the schedule does on AWS. */
  sweep(kind: QueueKind): Promise<unknown>;
  /** How many messages are done: neither sent back nor replaced by a copy that waits. */
  countDone(): number;
  /** Whether messages are left, and all of them wait for their next attempt. */
  isHeldUp(): boolean;
  /** Makes messages of this queue that wait for their next attempt visible at once. */
  wake(kind: QueueKind): void;
  /** Takes no more messages, and returns what is not done to its queue. */
  release(): Promise<void>;
  /** Comes after that. */
  endWorkers(): Promise<void>;
}

/** The cloud that the services work on: the embedded one, or another that speaks AWS' protocols. */
export type ServiceCloud = Pick<Cloud, 'endpoint' | 'region' | 'queueUrl'> & {
  /** Only the embedded queues can be controlled. */
  openQueue(name: string): QueueSource & Partial<QueueControl>;
};

/** What AWS would set from serverless.yml, and the endpoint that the SDK takes in place of AWS. */
export function makeEnvironment(
  cloud: ServiceCloud,
  options: Pick<
    ServiceOptions,
    'sourceRestart' | 'warehouseSchema' | 'foreignKeys' | 'censusFloorSeconds' | 'looking'
  >,
): Record<string, string> {
  const { freshnessSeconds, quietAboveMib } = options.looking ?? {};
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
    ...(options.censusFloorSeconds !== undefined && {
      CENSUS_FLOOR_SECONDS: String(Math.ceil(options.censusFloorSeconds)),
    }),
    ...(freshnessSeconds !== undefined && { FRESHNESS_SECONDS: String(Math.ceil(freshnessSeconds)) }),
    ...(quietAboveMib !== undefined && { QUIET_ABOVE_MIB: String(quietAboveMib) }),
    S3_FORCE_PATH_STYLE: 'true',
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: 'starlift',
    AWS_SECRET_ACCESS_KEY: 'starlift',
    // There is no CloudWatch to read them.
    POWERTOOLS_METRICS_DISABLED: 'true',
    // A connection that is refused costs no attempt, and the outage is printed at once.
    CONNECT_PATIENCE_MS: process.env.CONNECT_PATIENCE_MS ?? '3000',
    ...(process.env.RETRY_LONGEST_SECONDS && { RETRY_LONGEST_SECONDS: process.env.RETRY_LONGEST_SECONDS }),
    POWERTOOLS_LOG_LEVEL: process.env.POWERTOOLS_LOG_LEVEL ?? 'WARN',
  };
}

// Two where most of the time goes to waiting for Postgres. A transform waits for nothing.
const concurrency: Record<QueueKind, number> = { extract: 2, transform: 1, load: 2 };
/** Attempts at what is held up, such as by a lock, in each worker. They take no place of the others. */
const heldUpConcurrency: Record<QueueKind, number> = { extract: 2, transform: 1, load: 2 };

/** Of the 5 s in which a run ends: the rest is for the workers and for Postgres. */
const graceMs = 2500;

export function startServices(cloud: ServiceCloud, options: ServiceOptions): Services {
  const pool: WorkerPool = startWorkerPool({
    size: options.workers,
    concurrency: Object.fromEntries(
      queueKinds.map((kind) => [kind, concurrency[kind] + heldUpConcurrency[kind]]),
    ),
    handlers,
    // The databases are prepared meanwhile.
    importsAhead: ['plan'],
    env: makeEnvironment(cloud, options),
    timeoutSeconds: {
      plan: planTimeoutSeconds,
      ...functionTimeoutSeconds,
      ...Object.fromEntries(queueKinds.map((kind) => [sweepOf(kind), sweepTimeoutSeconds])),
    },
    onLog: options.onLog,
  });
  let mappings: Partial<Record<QueueKind, EventSourceMapping>> = {};
  const all = () => Object.values(mappings);
  return {
    start: () => {
      mappings = Object.fromEntries(
        queueKinds.map((kind) => [kind, startMapping(kind, pool, cloud, options)]),
      );
    },
    plan: () => pool.invoke('plan', { isExact: options.looking?.isExact === true }),
    sweep: (kind) => pool.invoke(sweepOf(kind), {}),
    countDone: () => all().reduce((sum, mapping) => sum + mapping.done(), 0),
    isHeldUp: () => all().every((mapping) => mapping.isHeldUp()),
    wake: (kind) => mappings[kind]?.wake(),
    release: async () => {
      await Promise.all(all().map((mapping) => mapping.stop(graceMs)));
    },
    endWorkers: () => pool.stop(),
  };
}

const startMapping = (
  kind: QueueKind,
  pool: WorkerPool,
  cloud: ServiceCloud,
  { workers, onLog }: ServiceOptions,
): EventSourceMapping => {
  const queue = cloud.openQueue(queueNames[kind]);
  const options: EventSourceMappingOptions = {
    queue,
    queueArn: `arn:aws:sqs:${cloud.region}:000000000000:${queueNames[kind]}`,
    functionName: kind,
    batchSize: batchSize[kind],
    maximumConcurrency: workers * concurrency[kind],
    returnsFailed: true,
    pool,
    onError: (error) => onLog(`${kind}: ${error instanceof Error ? error.message : String(error)}`),
  };
  if (isControlled(queue)) {
    options.holdUp = { queue, groupOf: tableOf, maximumConcurrency: workers * heldUpConcurrency[kind] };
  }
  return startEventSourceMapping(options);
};

const isControlled = (queue: QueueSource & Partial<QueueControl>): queue is QueueSource & QueueControl =>
  queue.isGone !== undefined;

/** The table that a message is about; undefined where it names none, or several. */
function tableOf(body: string): string | undefined {
  try {
    const message = JSON.parse(body) as { table?: unknown; Records?: unknown };
    if (typeof message.table === 'string') return message.table;
    if (message.Records === undefined) return undefined;
    const tables = new Set(parseObjectCreated(body).map(({ key }) => parseObjectKey(key).table));
    return tables.size === 1 ? [...tables][0] : undefined;
  } catch {
    // The function says what is wrong with it.
    return undefined;
  }
}
