import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { findFreePort } from '../../helpers/network/free-port.ts';
import { functionEnvironment } from '../../helpers/network/function-environment.ts';
import { deadLettersOf } from './load-records.ts';

type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

const queue = 'starlift-test-load';
const key = 'dim_currency/2024/01/01/20240101T000000000Zabcd-0001-r0.parquet';
const body = formatObjectCreated({ bucket: 'processed', key });
const whole = {
  host: '127.0.0.1',
  dbname: 'warehouse',
  username: 'loader',
  password: 'p4ssw0rd',
  sslmode: 'disable',
};

describe('a stage whose warehouse is not there', () => {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'starlift-load-'));
  let cloud: Cloud;
  let handler: Handler;
  let sqs: SQSClient;

  beforeAll(async () => {
    cloud = await startCloud({
      dataDir,
      buckets: ['ingested', 'processed'],
      notifications: [],
      secrets: { warehouse: '{}' },
      queues: [{ name: queue, visibilitySeconds: 30, maxReceiveCount: 5 }],
    });
    Object.assign(process.env, {
      ...functionEnvironment(cloud),
      LOAD_QUEUE_URL: cloud.queueUrl(queue),
      WAREHOUSE_SECRET_ID: 'warehouse',
    });
    sqs = new SQSClient({});
    ({ handler } = (await import('../../../services/loading/load/handler.ts')) as unknown as {
      handler: Handler;
    });
  });
  afterAll(async () => {
    sqs.destroy();
    await cloud.stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  });

  /** A message that has been received so many times. */
  async function receive(times: number): Promise<SQSRecord> {
    const QueueUrl = cloud.queueUrl(queue);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    const { MessageId: messageId, ReceiptHandle: receiptHandle } = Messages?.[0] ?? {};
    const attributes = { ApproximateReceiveCount: String(times) };
    return { messageId, receiptHandle, body, attributes, messageAttributes: {} } as unknown as SQSRecord;
  }
  const handle = (record: SQSRecord) =>
    handler({ Records: [record] }, { awsRequestId: 'request' } as Context);
  const letters = () => deadLettersOf(sqs, cloud.queueUrl(queue));
  const transientLetters = async () =>
    (await letters()).filter(({ attributes }) => attributes.error === 'TransientError');

  it.each(['host', 'dbname', 'username', 'password', 'port'])(
    'makes a dead letter at once of what its secret without %s cannot load, and says so in a line',
    async (field) => {
      cloud.putSecret('warehouse', JSON.stringify({ ...whole, port: 5432, [field]: undefined }));
      expect(await handle(await receive(1))).toEqual({ batchItemFailures: [] });
      const reason =
        field === 'port' ? 'the secret warehouse has no valid port' : `the secret warehouse has no ${field}`;
      expect(await letters()).toEqual([
        { body, attributes: expect.objectContaining({ error: 'TerminalError', reason }) },
      ]);
    },
  );

  it('tries again while it cannot be reached, and makes a dead letter at the fifth time, with the reason', async () => {
    const port = await findFreePort();
    cloud.putSecret('warehouse', JSON.stringify({ ...whole, port }));
    const [first, fifth] = [await receive(1), await receive(5)];
    // Side by side, for each try is patient with a server that may be coming up.
    expect(await Promise.all([handle(first), handle(fifth)])).toEqual([
      { batchItemFailures: [{ itemIdentifier: first.messageId }] },
      { batchItemFailures: [] },
    ]);
    expect(await transientLetters()).toEqual([
      {
        body,
        attributes: expect.objectContaining({
          error: 'TransientError',
          reason: expect.stringContaining(`127.0.0.1:${port}`),
          attempts: '5',
        }),
      },
    ]);
  }, 150_000);
});
