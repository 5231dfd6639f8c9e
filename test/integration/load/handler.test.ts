import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import pg from 'pg';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { totesys, totesysDefinition } from '../../helpers/models/totesys.ts';
import { functionEnvironment } from '../../helpers/network/function-environment.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { Bucket, type ObjectFacts } from '../../helpers/small-warehouse/parquet-objects.ts';
import { deadLettersOf, recordOf } from './load-records.ts';

type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

const queue = 'starlift-test-load';
const transformQueue = 'starlift-test-transform';
const currency = (name: string) => ({ currency_id: '1', currency_code: 'GBP', currency_name: name });

describe('the handler of the load queue', () => {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'starlift-load-'));
  let server: PostgresServer;
  let cloud: Cloud;
  let client: pg.Client;
  let handler: Handler;
  let sqs: SQSClient;
  let s3: S3Client;

  const secretOf = (password: string) =>
    JSON.stringify({
      host: '127.0.0.1',
      port: server.port,
      dbname: 'warehouse',
      username: 'loader',
      password,
      sslmode: 'disable',
    });

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client({ connectionString: await server.createDatabase('warehouse') });
    await client.connect();
    await client.query('create role loader login superuser');
    cloud = await startCloud({
      dataDir,
      buckets: ['ingested', 'processed'],
      notifications: [],
      secrets: { warehouse: secretOf('') },
      queues: [queue, transformQueue].map((name) => ({ name, visibilitySeconds: 30, maxReceiveCount: 5 })),
    });
    Object.assign(process.env, {
      ...functionEnvironment(cloud),
      TRANSFORM_QUEUE_URL: cloud.queueUrl(transformQueue),
      LOAD_QUEUE_URL: cloud.queueUrl(queue),
      WAREHOUSE_SECRET_ID: 'warehouse',
      WAREHOUSE_SCHEMA: 'shop',
    });
    sqs = new SQSClient({});
    s3 = new S3Client({ forcePathStyle: true });
    await publishModel(makeObjectStore(s3, 'ingested'), totesysDefinition);
    ({ handler } = (await import('../../../services/loading/load/handler.ts')) as unknown as {
      handler: Handler;
    });
  });
  afterAll(async () => {
    for (const sdk of [sqs, s3]) sdk.destroy();
    await client.end();
    await cloud.stop();
    await server.stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  });

  const putObject = async (table: string, facts: ObjectFacts) => {
    const bucket = new Bucket();
    const key = formatObjectKey(await bucket.put(totesys.table(table), facts));
    const { body, metadata } = (await bucket.get(key)) ?? { body: new Uint8Array(), metadata: {} };
    const input = { Bucket: 'processed', Key: key, Body: body, Metadata: metadata };
    await s3.send(new PutObjectCommand(input));
    return key;
  };

  const handle = (...records: SQSRecord[]) =>
    handler({ Records: records }, { awsRequestId: 'request', functionName: 'load' } as Context);

  const created = (key: string, bucket = 'processed') => formatObjectCreated({ bucket, key });
  const currencies = async () =>
    (await client.query('select currency_id, currency_name from shop.dim_currency')).rows;

  it('makes the warehouse and loads the object that an event names', async () => {
    const key = await putObject('dim_currency', { rows: [currency('Pound Sterling')] });
    expect(await handle(recordOf(created(key)))).toEqual({ batchItemFailures: [] });
    expect(await currencies()).toEqual([{ currency_id: 1, currency_name: 'Pound Sterling' }]);
  });

  it('dead-letters what cannot be loaded, with its reason, and goes on with its neighbours', async () => {
    const missing = formatObjectKey({
      zone: 'processed',
      table: 'dim_currency',
      slice: '0009',
      revision: 0,
      run: '20240101T000000000Zabcd',
    });
    const good = await putObject('dim_currency', { rows: [currency('pound')], xmax: 300 });
    const response = await handle(
      recordOf(created(missing)),
      recordOf(created(good, 'elsewhere')),
      recordOf(JSON.stringify({ Event: 's3:TestEvent' })),
      recordOf(created(good)),
    );
    expect(response).toEqual({ batchItemFailures: [] });
    expect(await currencies()).toEqual([{ currency_id: 1, currency_name: 'pound' }]);
    const letters = await deadLettersOf(sqs, cloud.queueUrl(queue));
    expect(letters).toHaveLength(2);
    expect(letters).toEqual(
      expect.arrayContaining([
        {
          body: created(missing),
          attributes: expect.objectContaining({
            error: 'LostObjectError',
            table: 'dim_currency',
            key: missing,
            reason: expect.stringMatching(
              /^there is no such object\. .* starlift replay --table dim_currency --zone ingested$/,
            ),
            attempts: '1',
          }),
        },
        {
          body: created(good, 'elsewhere'),
          attributes: expect.objectContaining({ reason: expect.stringMatching(/from the bucket elsewhere/) }),
        },
      ]),
    );
    expect(lastEvents(2)).toEqual([
      { type: 'Table Failed', table: 'dim_currency', key: missing },
      { type: 'Table Failed', table: undefined, key: good },
    ]);
  });

  it('says so when a dead letter comes back and succeeds', async () => {
    const key = await putObject('dim_currency', { rows: [currency('pound')], xmax: 400 });
    await handle(recordOf(created(key), { failedAt: '2024-01-01T00:00:00.000Z' }));
    expect(lastEvents(1)).toEqual([{ type: 'Table Recovered', table: 'dim_currency', key }]);
  });

  it('passes over the ledger for a replay', async () => {
    const key = await putObject('dim_currency', { rows: [currency('pound')], xmax: 500 });
    await handle(recordOf(created(key)));
    await client.query('truncate shop.dim_currency');
    await handle(recordOf(created(key)));
    expect(await currencies()).toEqual([]);
    await handle(recordOf(created(key), { replay: 'r1' }));
    expect(await currencies()).toHaveLength(1);
  });

  const lastEvents = (count: number) =>
    cloud
      .events()
      .slice(-count)
      .map(({ DetailType, Detail }) => {
        const { table, key } = JSON.parse(Detail ?? '{}') as { table?: string; key?: string };
        return { type: DetailType, table, key };
      });
});
