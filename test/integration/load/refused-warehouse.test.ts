import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pg from 'pg';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import {
  type EventSourceMapping,
  startEventSourceMapping,
} from '../../../cli/embedded/workers/event-source-mapping.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { totesys, totesysDefinition } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { Bucket } from '../../helpers/small-warehouse/parquet-objects.ts';
import { deadLettersOf } from './load-records.ts';

type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

const queue = 'starlift-test-load';
const transformQueue = 'starlift-test-transform';
/** Longer than the five receives of a message together: each lasts a tenth of a second, and a second lies between two. */
const eachCauseMs = 1500;

describe('a load whose warehouse refuses', () => {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'starlift-load-'));
  let server: PostgresServer;
  let cloud: Cloud;
  let admin: pg.Client;
  let mapping: EventSourceMapping;
  let sqs: SQSClient;
  let s3: S3Client;
  let receives = 0;

  const secret = () => ({
    host: '127.0.0.1',
    port: server.port,
    dbname: 'warehouse',
    username: 'loader',
    password: 'right',
    sslmode: 'disable',
  });

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await server.createDatabase('warehouse');
    admin = new pg.Client({ connectionString: await server.createDatabase('elsewhere') });
    await admin.connect();
    await admin.query('create role loader login superuser');
    cloud = await startCloud({
      dataDir,
      buckets: ['ingested', 'processed'],
      notifications: [],
      secrets: { warehouse: JSON.stringify(secret()) },
      queues: [queue, transformQueue].map((name) => ({ name, visibilitySeconds: 30, maxReceiveCount: 10 })),
    });
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: cloud.region,
      S3_FORCE_PATH_STYLE: 'true',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      STAGE: 'ci',
      INGESTED_BUCKET: 'ingested',
      PROCESSED_BUCKET: 'processed',
      TRANSFORM_QUEUE_URL: cloud.queueUrl(transformQueue),
      LOAD_QUEUE_URL: cloud.queueUrl(queue),
      WAREHOUSE_SECRET_ID: 'warehouse',
      RETRY_LONGEST_SECONDS: '1',
      CONNECT_PATIENCE_MS: '100',
    });
    sqs = new SQSClient({});
    s3 = new S3Client({ forcePathStyle: true });
    await publishModel(makeObjectStore(s3, 'ingested'), totesysDefinition);
    const module: unknown = await import('../../../services/loading/load/handler.ts');
    const { handler } = module as { handler: Handler };
    mapping = startEventSourceMapping({
      queue: cloud.openQueue(queue),
      queueArn: 'arn',
      functionName: 'load',
      batchSize: 1,
      maximumConcurrency: 2,
      pool: {
        invoke: async (_name, event) => {
          receives++;
          return handler(event as SQSEvent, { awsRequestId: 'request', functionName: 'load' } as Context);
        },
      },
    });
  });
  afterAll(async () => {
    await mapping.stop();
    for (const sdk of [sqs, s3]) sdk.destroy();
    await admin.end();
    await cloud.stop();
    await server.stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  });

  const bucket = new Bucket();

  /** Puts an object with one currency, and its message on the queue. */
  async function send(currency_id: string): Promise<void> {
    const rows = [{ currency_id, currency_code: 'GBP', currency_name: 'Pound Sterling' }];
    const key = formatObjectKey(
      await bucket.put(totesys.table('dim_currency'), { rows, xmax: 100 + Number(currency_id) }),
    );
    const { body, metadata } = (await bucket.get(key)) ?? { body: new Uint8Array(), metadata: {} };
    await s3.send(new PutObjectCommand({ Bucket: 'processed', Key: key, Body: body, Metadata: metadata }));
    const MessageBody = formatObjectCreated({ bucket: 'processed', key });
    await sqs.send(new SendMessageCommand({ QueueUrl: cloud.queueUrl(queue), MessageBody }));
  }

  async function currencies(): Promise<number[]> {
    const client = new pg.Client({ ...secret(), database: 'warehouse', user: 'postgres' });
    await client.connect();
    try {
      const { rows: tables } = await client.query(`select from pg_tables where tablename = 'dim_currency'`);
      if (tables.length === 0) return [];
      const { rows } = await client.query('select currency_id from dim_currency order by 1');
      return rows.map(({ currency_id }) => currency_id);
    } finally {
      await client.end();
    }
  }

  async function untilLoaded(ids: number[]): Promise<void> {
    const deadline = Date.now() + 30_000;
    const isSame = async () => JSON.stringify(await currencies()) === JSON.stringify(ids);
    while (!(await isSame())) {
      if (Date.now() > deadline) throw new Error(`loaded ${await currencies()} and not ${ids}`);
      await delay(100);
    }
  }

  const readJson = async (Key: string): Promise<unknown> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'ingested', Key }));
    return JSON.parse((await Body?.transformToString()) ?? '');
  };
  const keysBelow = async (Prefix: string) => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'ingested', Prefix }));
    return Contents.map(({ Key = '' }) => Key);
  };
  const outageEvents = () =>
    cloud
      .events()
      .filter(({ DetailType }) => DetailType?.startsWith('Outage'))
      .map(({ DetailType, Detail }) => ({ type: DetailType, ...JSON.parse(Detail ?? '{}') }));

  const disconnect = () =>
    admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'warehouse'`);

  const causes: [code: string, refuse: string, accept: string][] = [
    [
      '55000',
      'alter database warehouse allow_connections false',
      'alter database warehouse allow_connections true',
    ],
    ['28000', 'alter role loader nologin', 'alter role loader login'],
    ['3D000', 'alter database warehouse rename to moved', 'alter database moved rename to warehouse'],
    [
      '53300',
      'alter role loader nosuperuser connection limit 0',
      'alter role loader superuser connection limit -1',
    ],
  ];

  it('costs no dead letter in an outage longer than all retries, of any cause, and reports it once', async () => {
    await send('1');
    await untilLoaded([1]);
    const [, refuse = ''] = causes[0] ?? [];
    await admin.query(refuse);
    await disconnect();
    receives = 0;
    await send('2');
    const reasons: string[] = [];
    for (const [index, [code]] of causes.entries()) {
      await delay(eachCauseMs);
      const [key = ''] = await keysBelow('state/retrying/load/');
      const { reason } = (await readJson(key)) as { reason: string };
      if (reason.includes(code)) reasons.push(code);
      const next = causes[index + 1];
      // The new cause comes before the old one goes.
      if (next !== undefined) await admin.query(next[1]);
      await admin.query(causes[index]?.[2] ?? '');
      if (next !== undefined && next[0] === '3D000') await disconnect();
    }
    await untilLoaded([1, 2]);
    expect(reasons).toEqual(causes.map(([code]) => code));
    expect(receives).toBeGreaterThan(5);
    expect(await deadLettersOf(sqs, cloud.queueUrl(queue))).toEqual([]);
    expect(await keysBelow('state/retrying/')).toEqual([]);
    const [began, ended, ...more] = outageEvents();
    expect(more).toEqual([]);
    expect(began).toMatchObject({
      type: 'Outage Began',
      side: 'warehouse',
      reason: expect.stringContaining('the warehouse at'),
    });
    expect(ended).toMatchObject({ type: 'Outage Ended', side: 'warehouse', since: began.since });
    expect(await readJson('state/outages/warehouse.json')).toMatchObject({
      since: began.since,
      endedAt: ended.endedAt,
    });
  });

  it('waits while its secret lacks a field, and says which', async () => {
    cloud.putSecret('warehouse', JSON.stringify({ ...secret(), username: undefined }));
    await disconnect();
    // The secret is kept for five minutes, but for a connection that is refused.
    await admin.query('alter role loader nologin');
    await send('3');
    await delay(eachCauseMs);
    const [key = ''] = await keysBelow('state/retrying/load/');
    expect(await readJson(key)).toMatchObject({
      queue: 'load',
      by: 'warehouse',
      attempts: 0,
      reason: 'the secret warehouse has no username',
    });
    cloud.putSecret('warehouse', JSON.stringify(secret()));
    await admin.query('alter role loader login');
    await untilLoaded([1, 2, 3]);
    expect(await deadLettersOf(sqs, cloud.queueUrl(queue))).toEqual([]);
  });
});
