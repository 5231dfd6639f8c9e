import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import pg from 'pg';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { fillSampleShop } from '../../../cli/embedded/sample/fill.ts';
import type { PlannedRun } from '../../../services/ingestion/planned-run.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'starlift-capture-'));
let server: PostgresServer;
let source: pg.Client;
let cloud: Cloud;
let s3: S3Client;
let sqs: SQSClient;
let ingested: ObjectStore;
let plan: (event: unknown, context: Context) => Promise<PlannedRun>;
let extract: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
const context = { awsRequestId: 'test', functionName: 'test' } as Context;

beforeAll(async () => {
  server = await startTemporaryPostgres();
  source = new pg.Client({ connectionString: await server.createDatabase('shop') });
  await source.connect();
  await fillSampleShop(source, { orders: 300 });
  await source.query('create role reader login; grant select on all tables in schema public to reader');
  const secret = { host: '127.0.0.1', port: server.port, dbname: 'shop', username: 'reader', password: '' };
  const queue = { visibilitySeconds: 30, maxReceiveCount: 5 };
  cloud = await startCloud({
    dataDir,
    buckets: ['ingested'],
    queues: [{ name: 'extract', ...queue }],
    notifications: [],
    secrets: { source: JSON.stringify({ ...secret, sslmode: 'disable' }) },
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    STAGE: 'ci',
    INGESTED_BUCKET: 'ingested',
    EXTRACT_QUEUE_URL: cloud.queueUrl('extract'),
    SOURCE_SECRET_ID: 'source',
    S3_FORCE_PATH_STYLE: 'true',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  s3 = new S3Client({ forcePathStyle: true });
  sqs = new SQSClient({});
  ingested = makeObjectStore(s3, 'ingested');
  // Imported here: a handler reads its environment when it is loaded, as on Lambda.
  plan = (await import('../../../services/ingestion/plan.handler.ts')).handler as unknown as typeof plan;
  extract = (await import('../../../services/ingestion/extract.handler.ts'))
    .handler as unknown as typeof extract;
});

afterAll(async () => {
  sqs.destroy();
  s3.destroy();
  await cloud.stop();
  await source.end();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function receiveAll(queue: string): Promise<Message[]> {
  const received: Message[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: cloud.queueUrl(queue),
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return received;
    received.push(...Messages);
  }
}

const toRecord = (message: Message) =>
  ({
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue }]) => [
        name,
        { stringValue: StringValue, dataType: 'String' },
      ]),
    ),
  }) as SQSRecord;

const handle = (messages: Message[]) => extract({ Records: messages.map(toRecord) }, context);

async function listKeys(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of ingested.list(prefix)) keys.push(key);
  return keys;
}

async function ingestedLines(table: string): Promise<string[]> {
  const lines: string[] = [];
  for (const key of await listKeys(`${table}/`)) {
    const object = await ingested.get(key);
    lines.push(
      ...zstdDecompressSync(object?.body ?? Buffer.of())
        .toString('utf8')
        .split('\n')
        .slice(0, -1),
    );
  }
  return lines.sort();
}

describe('the plan and extract handlers', () => {
  it('bring every source table to the ingested zone, byte for byte as row_to_json writes it', async () => {
    const planned = await plan({}, context);
    expect(planned.slices).toHaveLength(11);
    expect(await listKeys('state/')).toEqual(['state/capture.json', `state/runs/${planned.run}.json`]);
    expect(await handle(await receiveAll('extract'))).toEqual({ batchItemFailures: [] });
    const joins: Record<string, string> = {
      staff: `, j.department_name as "department.department_name", j.location as "department.location"
        from staff t left join department j on j.department_id = t.department_id`,
      counterparty: `, j.address_line_1 as "address.address_line_1", j.address_line_2 as "address.address_line_2",
        j.district as "address.district", j.city as "address.city", j.postal_code as "address.postal_code",
        j.country as "address.country", j.phone as "address.phone"
        from counterparty t left join address j on j.address_id = t.legal_address_id`,
    };
    for (const { name, columns } of starSchema.sources) {
      const own = columns.map((column) => `t.${column.name}`).join(', ');
      const query = `select ${own} ${joins[name] ?? `from ${name} t`}`;
      const { rows } = await source.query<{ line: string }>(
        `select row_to_json(r)::text as line from (${query}) r`,
      );
      expect(rows.length).toBeGreaterThan(0);
      expect(await ingestedLines(name)).toEqual(rows.map(({ line }) => line).sort());
    }
  });

  it('send a table that cannot be read to the dead letters, with its reason; a redrive takes it back', async () => {
    await source.query('alter table payment rename column payment_amount to amount');
    const planned = await plan({}, context);
    const reason = 'public.payment has no column payment_amount';
    expect(planned.failures).toEqual([{ table: 'payment', error: 'TerminalError', reason }]);
    expect(planned.slices).toEqual([{ slice: '0000', table: 'payment', full: true }]);

    expect(await handle(await receiveAll('extract'))).toEqual({ batchItemFailures: [] });
    const deadLetters = await receiveAll('extract-dlq');
    expect(deadLetters.map(({ MessageAttributes }) => MessageAttributes)).toEqual([
      expect.objectContaining({
        reason: expect.objectContaining({ StringValue: reason }),
        table: expect.objectContaining({ StringValue: 'payment' }),
      }),
    ]);
    const key = `failed/${planned.run}-0000.json`;
    const record = JSON.parse(Buffer.from((await ingested.get(key))?.body ?? []).toString());
    expect(record).toMatchObject({
      table: 'payment',
      error: 'TerminalError',
      reason,
      body: deadLetters[0]?.Body,
    });
    expect(Date.parse(record.failedAt)).toBeGreaterThan(0);
    const detail = { stage: 'ci', queue: 'extract', table: 'payment', key };
    expect(lastEvent()).toEqual(['Table Failed', { ...detail, error: 'TerminalError', reason }]);

    await source.query('alter table payment rename column amount to payment_amount');
    expect(await handle(deadLetters)).toEqual({ batchItemFailures: [] });
    expect(await listKeys('failed/')).toEqual([]);
    expect(lastEvent()).toEqual(['Table Recovered', detail]);
    expect((await listKeys('payment/')).filter((object) => object.includes(planned.run))).toHaveLength(1);
  });

  it('give a message back to the queue when its time may come, and its neighbours go on', async () => {
    await receiveAll('extract');
    const planned = await plan({}, context);
    expect(planned.slices).toEqual([{ slice: '0000', table: 'payment', full: true }]);
    const [message] = await receiveAll('extract');
    const body = JSON.parse(message?.Body ?? '');
    const elsewhere = {
      ...message,
      MessageId: 'elsewhere',
      Body: JSON.stringify({ ...body, identity: 'other' }),
    };
    const unreadable = { ...message, MessageId: 'unreadable', Body: 'no JSON' };
    const answer = await handle([unreadable, elsewhere, message ?? {}]);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'elsewhere' }] });
    expect((await receiveAll('extract-dlq')).map(({ Body }) => Body)).toEqual(['no JSON']);
    expect(await listKeys('failed/')).toEqual([]);
    expect((await listKeys('payment/')).filter((key) => key.includes(planned.run))).toHaveLength(1);
  });
});

function lastEvent(): unknown[] {
  const { DetailType, Detail } = cloud.events().at(-1) ?? {};
  return [DetailType, JSON.parse(Detail ?? 'null')];
}
