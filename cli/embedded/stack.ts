import { resolve } from 'node:path';
import { type AwsClients, makeAwsClients } from '../../shared/aws-clients.ts';
import { makeObjectStore, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { maxReceiveCount, queueKinds, visibilitySeconds } from '../../shared/queue/queue-settings.ts';
import { UsageError } from '../usage-error.ts';
import { type Cloud, startCloud } from './cloud/start-cloud.ts';
import { type DataFolder, readStackFile, takeDataFolder } from './data-folder.ts';
import { secretOfUrl } from './database-url.ts';
import { connectionTo } from './endpoint.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './postgres/embedded-postgres.ts';
import { buckets, queueNames, secretIds } from './resources.ts';

export interface StackOptions {
  /** The data folder. */
  data: string;
  /** Databases of one's own in place of the embedded ones. */
  source?: string | undefined;
  warehouse?: string | undefined;
  /** Lines of the servers' logs. */
  onLog?: (line: string) => void;
}

/** Queues, buckets, secrets and databases of one data folder, on this machine; without the services. */
export interface Stack {
  folder: DataFolder;
  cloud: Cloud;
  clients: AwsClients;
  ingested: ObjectStore;
  processed: ObjectStore;
  /** The source as the services read it. */
  sourceUrl: string;
  /** The embedded source as its owner; undefined for a source of one's own. */
  shopUrl: string | undefined;
  warehouseUrl: string;
  stop(): Promise<void>;
}

/**
 * Starts everything but the services.
 *
 * @throws {UsageError | StackError} the folder is in use or cannot be used; one line that names it
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const data = resolve(options.data);
  const sourceSecret = options.source === undefined ? undefined : secretOfUrl('--source', options.source);
  const warehouseSecret =
    options.warehouse === undefined ? undefined : secretOfUrl('--warehouse', options.warehouse);
  const folder = takeFolder(data);
  const needsPostgres = sourceSecret === undefined || warehouseSecret === undefined;
  const [started, clouded] = await Promise.allSettled([
    needsPostgres
      ? startEmbeddedPostgres({ dataDir: data, ...(options.onLog && { onLog: options.onLog }) })
      : undefined,
    startCloud(cloudOptions(data)),
  ]);
  const postgres = started.status === 'fulfilled' ? started.value : undefined;
  const cloud = clouded.status === 'fulfilled' ? clouded.value : undefined;
  const stop = async () => {
    await Promise.allSettled([cloud?.stop(), postgres?.stop()]);
    folder.release();
  };
  if (cloud === undefined || started.status === 'rejected') {
    await stop();
    throw started.status === 'rejected' ? started.reason : (clouded as PromiseRejectedResult).reason;
  }
  const urls = chooseUrls(options, postgres);
  cloud.putSecret(secretIds.source, JSON.stringify(sourceSecret ?? secretOfUrl('--source', urls.sourceUrl)));
  cloud.putSecret(
    secretIds.warehouse,
    JSON.stringify(warehouseSecret ?? secretOfUrl('--warehouse', urls.warehouseUrl)),
  );
  const clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(cloud.endpoint) });
  folder.writeStackFile({
    pid: process.pid,
    endpoint: cloud.endpoint,
    sourceUrl: urls.shopUrl ?? urls.sourceUrl,
    warehouseUrl: urls.warehouseUrl,
  });
  return {
    folder,
    cloud,
    clients,
    ingested: makeObjectStore(clients.s3, buckets.ingested),
    processed: makeObjectStore(clients.s3, buckets.processed),
    ...urls,
    stop,
  };
}

function takeFolder(data: string): DataFolder {
  const folder = takeDataFolder(data);
  if (folder !== undefined) return folder;
  const holder = readStackFile(data)?.pid;
  const by = holder === undefined ? 'another process' : `process ${holder}`;
  throw new UsageError(`--data ${data}: ${by} is running on this folder; stop it or choose another folder`);
}

function cloudOptions(data: string) {
  return {
    dataDir: `${data}/cloud`,
    buckets: Object.values(buckets),
    queues: queueKinds.map((kind) => ({
      name: queueNames[kind],
      visibilitySeconds: visibilitySeconds(kind),
      maxReceiveCount,
      retentionSeconds: 4 * 24 * 3600,
    })),
    notifications: [
      { bucket: buckets.ingested, suffix: '.ndjson.zst', queue: queueNames.transform },
      { bucket: buckets.processed, suffix: '.parquet', queue: queueNames.load },
    ],
    secrets: {},
  };
}

function chooseUrls({ source, warehouse }: StackOptions, postgres: EmbeddedPostgres | undefined) {
  return {
    sourceUrl: source ?? postgres?.readerUrl ?? '',
    shopUrl: source === undefined ? postgres?.sourceUrl : undefined,
    warehouseUrl: warehouse ?? postgres?.warehouseUrl ?? '',
  };
}
