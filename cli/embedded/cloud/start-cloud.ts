import * as fs from 'node:fs';
import { join } from 'node:path';
import { buildApp } from 'fauxqs';
import { TerminalError } from '../../../shared/errors.ts';
import { BucketStore } from './bucket-store.ts';
import { EventBus, type PutEventsEntry } from './event-bus.ts';
import { type CloudServer, region, SnsStore } from './fauxqs.ts';
import { refuseOlderReleases } from './files/older-release.ts';
import { addJsonServices } from './json-service.ts';
import { type Expiry, type ExpiryRule, startExpiry } from './lifecycle.ts';
import { type NotificationRule, Notifications } from './notifications.ts';
import { ObjectFiles } from './object-files.ts';
import { addObjectRoutes } from './object-routes.ts';
import { QueueDatabase } from './queue-database.ts';
import {
  addQueueRoutes,
  formatQueueUrl,
  openQueue,
  type QueueControl,
  type QueueOptions,
  type QueueSource,
  QueueStore,
} from './queue-store.ts';
import { Secrets } from './secrets.ts';

export interface CloudOptions {
  /** Holds queues, objects and events, and outlives the process. Only one cloud at a time may use it. */
  dataDir: string;
  /** Holds the objects, a folder a bucket; `zones` in the data folder where it is not given. */
  zonesDir?: string;
  /** The names of buckets' folders, where they are not the buckets' own. */
  zones?: Readonly<Record<string, string>>;
  buckets: string[];
  queues: QueueOptions[];
  notifications: NotificationRule[];
  expiry?: readonly ExpiryRule[];
  /** Name to SecretString. Kept in memory only. */
  secrets: Record<string, string>;
  /** What one put may bring. S3's own limit is 5 GiB; a body stands in memory until it is written. */
  maxPutBytes?: number;
  /** Called with the error when a write failed because the disk is full. Requests go on failing. */
  onDiskFull?: (error: unknown) => void;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
const defaultMaxPutBytes = 5 * 2 ** 30;

export interface Cloud {
  /** Of all four services: http://127.0.0.1 and a free port. */
  endpoint: string;
  region: string;
  queueUrl(name: string): string;
  /** Messages that the queue holds: waiting, in flight or delayed. Exact, which no queue of AWS' is. */
  countMessages(queueName: string): number;
  /** @throws {TerminalError} there is no such queue */
  openQueue(name: string): QueueSource & QueueControl;
  putSecret(name: string, value: string): void;
  /** Whether a run has made sure of what the queues should hold; false where their database is new. */
  areQueuesAccountedFor(): boolean;
  noteQueuesAccountedFor(): void;
  /** The last 1000 events that were put, oldest first. */
  events(): readonly PutEventsEntry[];
  stop(): Promise<void>;
}

/**
 * Starts S3, SQS, Secrets Manager and EventBridge on one endpoint of this machine.
 *
 * Carries on from what an earlier process left in the folder, however it ended: objects are whole, messages in flight are
 * back in their queues, and missing events of new objects are sent.
 *
 * @throws {TerminalError} the data folder cannot be used, or an option names a bucket or queue that is not there
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  makeFolder(options.dataDir);
  const database = new QueueDatabase(options.dataDir, options.onDiskFull);
  const queues = new QueueStore(database);
  refuseOlderReleases(database.sql);
  const notifications = new Notifications(database, queues, options.notifications);
  const buckets = new BucketStore(notifications);
  const snsStore = new SnsStore();
  const secrets = new Secrets(options.secrets);
  const bus = new EventBus(options.dataDir, options.onDiskFull);
  const server = buildApp({ logger: false, stores: { sqsStore: queues, s3Store: buckets, snsStore } });
  const ready = Promise.withResolvers<void>();
  // Queue URLs hold the port, which is known only once we listen: requests wait for the rest.
  server.addHook('onRequest', () => ready.promise);
  addObjectRoutes(server, buckets, options.maxPutBytes ?? defaultMaxPutBytes);
  addQueueRoutes(server, queues);
  addJsonServices(server, { ...secrets.operations, ...bus.operations });
  let expiry: Expiry | undefined;
  const stop = async () => {
    await expiry?.stop();
    await server.close();
    database.close();
  };
  try {
    const endpoint = await listen(server);
    queues.load(database, snsStore, endpoint);
    for (const queue of options.queues) queues.configure(queue, endpoint);
    loadBuckets(buckets, options);
    notifications.start(buckets);
    ready.resolve();
    expiry = startExpiry(buckets, options.expiry ?? []);
    return {
      endpoint,
      region,
      queueUrl: (name) => formatQueueUrl(endpoint, name),
      countMessages: (name) => queues.countMessages(name),
      openQueue: (name) => openQueue(queues, name),
      putSecret: (name, value) => secrets.put(name, value),
      areQueuesAccountedFor: () => database.isAccountedFor,
      noteQueuesAccountedFor: () => database.noteAccountedFor(),
      events: () => bus.recent(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** How an SDK client reaches the embedded cloud, which asks for no credentials; the SDK insists on sending some. */
export const connectionTo = (endpoint: string) => ({
  endpoint,
  region,
  credentials: { accessKeyId: 'starlift', secretAccessKey: 'starlift' },
});

function makeFolder(path: string): void {
  try {
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new TerminalError(`The data folder ${path} cannot be made: ${String(cause)}`, { cause });
  }
}

const listen = (server: CloudServer): Promise<string> => server.listen({ host: '127.0.0.1', port: 0 });

function loadBuckets(buckets: BucketStore, options: CloudOptions): void {
  const { dataDir, zonesDir = join(dataDir, 'zones'), zones, buckets: names, onDiskFull } = options;
  const files = new ObjectFiles(zonesDir, zones, onDiskFull);
  files.takeOver(dataDir);
  // Attached after the load, which would otherwise write back what it reads.
  files.loadS3(buckets);
  buckets.persistence = files;
  for (const name of names) buckets.createBucket(name);
}
