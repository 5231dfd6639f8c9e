import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Cloud, connectionTo, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { buckets, queueNames, secretIds, stage } from '../../../cli/embedded/resources.ts';
import type { Site } from '../../../cli/site/site.ts';
import { type AwsClients, makeAwsClients } from '../../../shared/aws-clients.ts';
import { captureStateKey, loadedKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { queueKinds } from '../../../shared/queue/queue-settings.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { makeShop, openShop } from '../../helpers/inline-road/shop.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { makeSiteOf } from '../silence/status-evidence.ts';
import { Functions } from './functions.ts';
import { allHints, environmentOf, type Hints, offerHints } from './hints.ts';
import { interceptCalls } from './intercepted-calls.ts';
import { Queues } from './queues.ts';

// Autovacuum would write log at moments of its own, and an extract waits until the log is flushed.
const settings = {
  autovacuum: 'off',
  wal_writer_delay: '1ms',
  deadlock_timeout: '50ms',
  summarize_wal: 'on',
};
/** Far longer than a test: a message comes back when the test says so. */
const visibilitySeconds = 3600;

/** A shop, a warehouse and a cloud, all real, and the product's functions to be invoked one by one. */
export class World {
  readonly server: PostgresServer;
  readonly cloud: Cloud;
  readonly clients: AwsClients;
  readonly queues: Queues;
  /** What `starlift status` would open. */
  readonly site: Site;
  readonly functions = new Functions();
  /** The owner of the shop's tables. */
  readonly source: pg.Client;
  readonly warehouse: pg.Client;
  /** Those of the last reset. */
  hints: Hints = allHints;
  readonly #undo: (() => unknown)[];

  private constructor(
    parts: { server: PostgresServer; cloud: Cloud; source: pg.Client; warehouse: pg.Client },
    undo: (() => unknown)[],
  ) {
    this.server = parts.server;
    this.cloud = parts.cloud;
    this.source = parts.source;
    this.warehouse = parts.warehouse;
    this.clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(parts.cloud.endpoint) });
    this.queues = new Queues(this.clients.sqs, parts.cloud);
    this.site = makeSiteOf({
      clients: this.clients,
      queueUrl: (kind) => parts.cloud.queueUrl(queueNames[kind]),
      sourceUrl: parts.server.url('shop'),
      warehouseUrl: parts.server.url('warehouse'),
    });
    this.#undo = undo;
  }

  static async start(): Promise<World> {
    const server = await startTemporaryPostgres({ settings });
    const dataDir = mkdtempSync(join(tmpdir(), 'starlift-reliability-'));
    const source = await connect(await server.createDatabase('shop'));
    const warehouse = await connect(await server.createDatabase('warehouse'));
    await makeShop(source);
    const cloud = await startCloud(cloudOptions(dataDir, server.port));
    setEnvironment(cloud);
    const world = new World({ server, cloud, source, warehouse }, [
      interceptCalls(),
      () => cloud.stop(),
      () => rmSync(dataDir, { recursive: true, force: true }),
      () => source.end(),
      () => warehouse.end(),
      () => server.stop(),
    ]);
    return world;
  }

  get ingested(): ObjectStore {
    return makeObjectStore(this.clients.s3, buckets.ingested);
  }

  /** Another session of the shop's owner; the caller ends it. */
  connectToSource(): Promise<pg.Client> {
    return connect(this.server.url('shop'));
  }

  /** A shop that was never captured, and a warehouse without tables. What the buckets hold is of no run to come. */
  async reset(hints: Hints): Promise<void> {
    this.hints = hints;
    this.functions.discard();
    Object.assign(process.env, environmentOf(hints));
    const { ingested } = this;
    await ingested.delete(captureStateKey);
    await ingested.delete(loadedKey);
    await publishModel(ingested, totesysDefinition);
    for (const kind of queueKinds) {
      await this.queues.redrive(kind);
      await this.queues.delete(kind, await this.queues.receiveAll(kind));
    }
    await openShop(this.source);
    await offerHints(this.source, hints);
    await this.warehouse.query(
      'drop schema if exists starlift cascade; drop schema public cascade; create schema public',
    );
  }

  async stop(): Promise<void> {
    this.functions.discard();
    for (const client of Object.values(this.clients)) client.destroy();
    for (const step of this.#undo) await step();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

function cloudOptions(dataDir: string, port: number): Parameters<typeof startCloud>[0] {
  const secret = (dbname: string, username: string) =>
    JSON.stringify({ host: '127.0.0.1', port, dbname, username, password: '', sslmode: 'disable' });
  return {
    dataDir,
    buckets: Object.values(buckets),
    queues: queueKinds.map((kind) => ({ name: queueNames[kind], visibilitySeconds, maxReceiveCount: 1000 })),
    notifications: [
      { bucket: buckets.ingested, suffix: '.ndjson.zst', queue: queueNames.transform },
      { bucket: buckets.processed, suffix: '.parquet', queue: queueNames.load },
    ],
    secrets: {
      [secretIds.source]: secret('shop', 'reader'),
      [secretIds.warehouse]: secret('warehouse', 'postgres'),
    },
  };
}

/** What handlers read when they are loaded. */
function setEnvironment(cloud: Cloud): void {
  Object.assign(process.env, {
    STAGE: stage,
    POWERTOOLS_METRICS_DISABLED: 'true',
    CENSUS_FLOOR_SECONDS: '0',
    INGESTED_BUCKET: buckets.ingested,
    PROCESSED_BUCKET: buckets.processed,
    EXTRACT_QUEUE_URL: cloud.queueUrl(queueNames.extract),
    TRANSFORM_QUEUE_URL: cloud.queueUrl(queueNames.transform),
    LOAD_QUEUE_URL: cloud.queueUrl(queueNames.load),
    SOURCE_SECRET_ID: secretIds.source,
    WAREHOUSE_SECRET_ID: secretIds.warehouse,
    S3_FORCE_PATH_STYLE: 'true',
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: 'starlift',
    AWS_SECRET_ACCESS_KEY: 'starlift',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
}
