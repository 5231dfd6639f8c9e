import { resolve } from 'node:path';
import { type AwsClients, makeAwsClients } from '../../shared/aws-clients.ts';
import { TransientError } from '../../shared/errors.ts';
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
  /** Aborts, with the reason, when the embedded Postgres ends without having been told to. */
  broken: AbortSignal;
  stop(): Promise<void>;
}

/**
 * Starts everything but the services.
 *
 * @throws {UsageError | StackError} the folder is in use or cannot be used; one line that names it
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const data = resolve(options.data);
  // Before the folder is made: a URL that is none leaves nothing behind.
  if (options.source !== undefined) secretOfUrl('--source', options.source);
  if (options.warehouse !== undefined) secretOfUrl('--warehouse', options.warehouse);
  const folder = takeFolder(data);
  const servers = await startServers(data, options).catch((error: unknown) => {
    folder.release();
    throw error;
  });
  const { cloud } = servers;
  const urls = chooseUrls(options, servers.postgres);
  cloud.putSecret(secretIds.source, JSON.stringify(secretOfUrl('--source', urls.sourceUrl)));
  cloud.putSecret(secretIds.warehouse, JSON.stringify(secretOfUrl('--warehouse', urls.warehouseUrl)));
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
    broken: servers.broken,
    stop: async () => {
      await servers.stop();
      folder.release();
    },
  };
}

interface Servers {
  cloud: Cloud;
  /** Undefined where both databases are the user's own. */
  postgres: EmbeddedPostgres | undefined;
  broken: AbortSignal;
  stop(): Promise<void>;
}

async function startServers(data: string, { source, warehouse, onLog }: StackOptions): Promise<Servers> {
  const needsPostgres = source === undefined || warehouse === undefined;
  const [started, clouded] = await Promise.allSettled([
    needsPostgres ? startEmbeddedPostgres({ dataDir: data, ...(onLog && { onLog }) }) : undefined,
    startCloud(cloudOptions(data)),
  ]);
  const postgres = started.status === 'fulfilled' ? started.value : undefined;
  const cloud = clouded.status === 'fulfilled' ? clouded.value : undefined;
  const breaking = new AbortController();
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    await Promise.allSettled([cloud?.stop(), postgres?.stop()]);
  };
  if (cloud === undefined || started.status === 'rejected') {
    await stop();
    throw started.status === 'rejected' ? started.reason : (clouded as PromiseRejectedResult).reason;
  }
  void postgres?.ended.then(() => {
    if (!isStopping)
      breaking.abort(new TransientError('the embedded Postgres has ended; run again to carry on'));
  });
  return { cloud, postgres, broken: breaking.signal, stop };
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
