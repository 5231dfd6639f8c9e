import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AwsClients, makeAwsClients } from '../../shared/aws-clients.ts';
import { TransientError } from '../../shared/errors.ts';
import { makeObjectStore, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { maxReceiveCount, queueKinds, visibilitySeconds } from '../../shared/queue/queue-settings.ts';
import { assertUrls, type NamedDatabases, secretOfUrl } from '../database/database-url.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { assertDatabasesNamed } from './bind.ts';
import { type Cloud, connectionTo, startCloud } from './cloud/start-cloud.ts';
import { type DataFolder, readStackFile, takeDataFolder } from './machine/data-folder.ts';
import { diskFull, isDiskFull, isDiskFullLine } from './machine/disk-full.ts';
import { findBinaries } from './postgres/binaries.ts';
import { clusterPath } from './postgres/cluster.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './postgres/embedded-postgres.ts';
import { buckets, expiry, queueNames, secretIds } from './resources.ts';

export interface StackOptions {
  /** The data folder. */
  data: string;
  /** The user's databases, in place of the embedded ones. */
  source?: string | undefined;
  warehouse?: string | undefined;
  /** Called when the embedded Postgres has to be made first. */
  onMakeCluster?: () => void;
  /** Lines of the servers' logs. */
  onLog?: (line: string) => void;
}

/** Queues, buckets, secrets and databases of one data folder, on this machine; without the services. */
export interface Stack {
  folder: DataFolder;
  named: NamedDatabases;
  cloud: Cloud;
  clients: AwsClients;
  ingested: ObjectStore;
  processed: ObjectStore;
  /** The source as the services read it. */
  sourceUrl: string;
  /** The embedded source, connected as its owner; undefined for the user's source. */
  shopUrl: string | undefined;
  warehouseUrl: string;
  /** Aborts, with the reason, when the embedded Postgres ends by itself, or the disk is full. */
  broken: AbortSignal;
  /** @param whenClosed called when the queues are closed, while the folder is still held */
  stop(whenClosed?: () => void): Promise<void>;
}

/** The stack of a data folder: one that is running, or one that was started for this command. */
export interface OpenedStack {
  endpoint: string;
  clients: AwsClients;
  sourceUrl: string;
  warehouseUrl: string;
  /** Stops the stack if it was started for this command. */
  release(): Promise<void>;
}

/** @throws {UsageError | StackError} the folder's stack cannot be started */
export async function openStack(options: StackOptions): Promise<OpenedStack> {
  assertUrls(options);
  const running = findRunningStack(options.data);
  if (running !== undefined) {
    const { endpoint, sourceUrl, warehouseUrl } = running;
    const clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(endpoint) });
    // Their connections stay open for a while otherwise.
    const release = async () => {
      for (const client of Object.values(clients)) client.destroy();
    };
    return { endpoint, clients, sourceUrl, warehouseUrl, release };
  }
  const { cloud, clients, shopUrl, sourceUrl, warehouseUrl, stop } = await startStack(options);
  return { endpoint: cloud.endpoint, clients, sourceUrl: shopUrl ?? sourceUrl, warehouseUrl, release: stop };
}

/** The file alone proves nothing, because its process may be dead. The lock does. */
function findRunningStack(data: string) {
  const folder = takeDataFolder(data);
  if (folder === undefined) return readStackFile(data);
  folder.release();
  return undefined;
}

/**
 * Starts everything but the services.
 *
 * @throws {UsageError | StackError} the folder is in use or cannot be used; one line that names it
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const data = resolve(options.data);
  // Before the folder is made.
  if (options.source === undefined || options.warehouse === undefined) findBinaries();
  // Before the folder is made: a malformed URL must leave nothing behind.
  assertUrls(options);
  const folder = takeFolder(data, options);
  const servers = await startServers(data, options).catch((error: unknown) => {
    folder.release();
    throw error;
  });
  const { cloud } = servers;
  const urls = chooseUrls(options, servers.postgres);
  const { STARLIFT_MASK_KEY: maskKey } = process.env;
  const source = { ...secretOfUrl('--source', urls.sourceUrl), ...(maskKey && { maskKey }) };
  cloud.putSecret(secretIds.source, JSON.stringify(source));
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
    named: options,
    cloud,
    clients,
    ingested: makeObjectStore(clients.s3, buckets.ingested),
    processed: makeObjectStore(clients.s3, buckets.processed),
    ...urls,
    broken: servers.broken,
    stop: async (whenClosed) => {
      await servers.stop();
      try {
        whenClosed?.();
      } finally {
        folder.release();
      }
    },
  };
}

function takeFolder(data: string, named: NamedDatabases): DataFolder {
  const folder = takeDataFolder(data);
  if (folder !== undefined) {
    try {
      assertDatabasesNamed(folder, named);
      return folder;
    } catch (error) {
      folder.release();
      throw error;
    }
  }
  const holder = readStackFile(data)?.pid;
  const by = holder === undefined ? 'another process' : `process ${holder}`;
  throw new UsageError(`--data ${data}: ${by} is running on this folder; stop it or choose another folder`);
}

/** The servers of one stack. */
interface Servers {
  cloud: Cloud;
  /** Undefined where both databases are the user's own. */
  postgres: EmbeddedPostgres | undefined;
  /** Aborts, with the reason, when the embedded Postgres ends by itself, or the disk is full. */
  broken: AbortSignal;
  stop(): Promise<void>;
}

/**
 * Starts the cloud, and Postgres where a database is not the user's own; both or none.
 *
 * @throws {StackError | TerminalError} one line that names what is wrong
 */
async function startServers(
  data: string,
  { source, warehouse, onLog, onMakeCluster }: StackOptions,
): Promise<Servers> {
  const needsPostgres = source === undefined || warehouse === undefined;
  if (needsPostgres && !existsSync(clusterPath(data))) onMakeCluster?.();
  const breaking = new AbortController();
  const onDiskFull = (error: unknown) => breaking.abort(diskFull(data, error));
  const onServerLog = (line: string) => {
    if (isDiskFullLine(line)) onDiskFull(new Error(line));
    onLog?.(line);
  };
  const [started, clouded] = await Promise.allSettled([
    needsPostgres ? startEmbeddedPostgres({ dataDir: data, onLog: onServerLog }) : undefined,
    startCloud({ ...cloudOptions(data), onDiskFull }),
  ]);
  const postgres = started.status === 'fulfilled' ? started.value : undefined;
  const cloud = clouded.status === 'fulfilled' ? clouded.value : undefined;
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    await Promise.allSettled([cloud?.stop(), postgres?.stop()]);
  };
  if (cloud === undefined || started.status === 'rejected') {
    await stop();
    const reasons = [started, clouded].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    if (reasons.some(isDiskFull)) throw diskFull(data, reasons.find(isDiskFull));
    throw reasons[0];
  }
  void postgres?.ended.then(() => {
    if (!isStopping)
      breaking.abort(new TransientError('the embedded Postgres has ended; run again to carry on'));
  });
  return { cloud, postgres, broken: breaking.signal, stop };
}

function cloudOptions(data: string) {
  return {
    dataDir: `${data}/cloud`,
    zonesDir: `${data}/zones`,
    zones: { [buckets.ingested]: 'ingested', [buckets.processed]: 'processed' },
    buckets: Object.values(buckets),
    queues: queueKinds.map((kind) => ({
      name: queueNames[kind],
      visibilitySeconds: visibilitySeconds(kind),
      maxReceiveCount,
    })),
    notifications: [
      { bucket: buckets.ingested, suffix: '.ndjson.zst', queue: queueNames.transform },
      { bucket: buckets.processed, suffix: '.parquet', queue: queueNames.load },
    ],
    expiry,
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
