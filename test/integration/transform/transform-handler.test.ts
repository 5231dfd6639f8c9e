import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { TerminalError } from '../../../shared/errors.ts';
import { makeNotify } from '../../../shared/events.ts';
import { reportFailure } from '../../../shared/handler/report-failure.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { functionEnvironment } from '../../helpers/network/function-environment.ts';
import {
  ingest,
  ingestedKey,
  listKeys,
  openZones,
  paymentLine,
  type Zones,
} from '../../helpers/network/zones.ts';

type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

const path = '2024/02/29/20240229T235959999Z00af';
let zones: Zones;
let sqs: SQSClient;
let handler: Handler;

beforeAll(async () => {
  zones = await openZones();
  await publishModel(zones.ingested, totesysDefinition);
  Object.assign(process.env, {
    ...functionEnvironment(zones.cloud),
    TRANSFORM_QUEUE_URL: zones.cloud.queueUrl('transform'),
  });
  sqs = new SQSClient({});
  // Imported here: the handler reads its environment when it is loaded, as on Lambda.
  handler = (await import('../../../services/transformation/transform/handler.ts'))
    .handler as unknown as Handler;
  await receive('transform');
});

afterAll(async () => {
  sqs.destroy();
  await zones.stop();
});

async function receive(queue: string) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: zones.cloud.queueUrl(queue),
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}

const recordOf = (body: string, attributes: Record<string, string> = {}): SQSRecord =>
  ({
    messageId: 'm-1',
    receiptHandle: 'none',
    body,
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
    ),
  }) as unknown as SQSRecord;

const handle = (...records: SQSRecord[]) => handler({ Records: records }, { awsRequestId: 'r-1' } as Context);

describe('the transform handler', () => {
  it("transforms what S3's own event names", async () => {
    await ingest(zones, ingestedKey('payment', '0001'), [paymentLine(1)]);
    const [message] = await receive('transform');
    expect(await handle(recordOf(message?.Body ?? ''))).toEqual({ batchItemFailures: [] });
    expect(await listKeys(zones.processed)).toEqual([
      `dim_date/${path}-0001-r0.parquet`,
      `fact_payment/${path}-0001-r0.parquet`,
    ]);
    expect(await receive('transform-dlq')).toEqual([]);
  });

  it('puts a new revision for a message with a replay attribute', async () => {
    const key = await ingest(zones, ingestedKey('payment', '0002'), [paymentLine(1)]);
    const body = formatObjectCreated({ bucket: 'ingested', key });
    await handle(recordOf(body));
    await handle(recordOf(body, { replay: 'again' }));
    expect(await listKeys(zones.processed)).toEqual(
      expect.arrayContaining([
        `fact_payment/${path}-0002-r0.parquet`,
        `fact_payment/${path}-0002-r1.parquet`,
      ]),
    );
  });

  it('puts the least revision that a message names, and takes it along to the dead letters', async () => {
    const key = await ingest(zones, ingestedKey('payment', '0005'), [paymentLine(1)]);
    await handle(recordOf(formatObjectCreated({ bucket: 'ingested', key }), { leastRevision: '3' }));
    expect(await listKeys(zones.processed)).toContain(`fact_payment/${path}-0005-r3.parquet`);
    const gone = formatObjectCreated({ bucket: 'ingested', key: key.replace('0005', '4045') });
    await handle(recordOf(gone, { leastRevision: '3' }));
    await handle(recordOf(gone, { leastRevision: 'three' }));
    const letters = (await receive('transform-dlq')).map(({ MessageAttributes: told }) => [
      ...[told?.leastRevision?.StringValue, told?.reason?.StringValue],
    ]);
    expect(letters).toEqual([
      ['3', expect.stringContaining('is not there')],
      ['three', expect.stringContaining('leastRevision is "three"')],
    ]);
  });

  it('says so when a dead letter comes back and succeeds', async () => {
    const key = await ingest(zones, ingestedKey('payment', '0004'), [paymentLine(1)]);
    const body = formatObjectCreated({ bucket: 'ingested', key });
    await handle(recordOf(body));
    const before = zones.cloud.events().length;
    await handle(recordOf(body, { failedAt: '2024-02-29T00:00:00.000Z' }));
    const [event, ...others] = zones.cloud.events().slice(before);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ Source: 'starlift', DetailType: 'Table Recovered' });
    expect(JSON.parse(event?.Detail ?? '')).toEqual({
      stage: 'ci',
      queue: 'transform',
      table: 'payment',
      key,
    });
  });

  it('takes the test event of S3 for done', async () => {
    expect(await handle(recordOf('{"Service":"Amazon S3","Event":"s3:TestEvent"}'))).toEqual({
      batchItemFailures: [],
    });
  });

  it('takes an object of a table that is not in the model any more for done', async () => {
    const body = formatObjectCreated({ bucket: 'ingested', key: `refund/${path}-0001.ndjson.zst` });
    expect(await handle(recordOf(body))).toEqual({ batchItemFailures: [] });
    expect(await receive('transform-dlq')).toEqual([]);
  });

  it.each([
    ['an object that is not there', 'ingested', `payment/${path}-4040.ndjson.zst`, 'is not there'],
    ['a key of nobody', 'ingested', 'holiday.jpg', 'not the key'],
    ['a processed key', 'ingested', `payment/${path}-0001-r0.parquet`, 'not the key of an ingested object'],
    ['another bucket', 'elsewhere', `payment/${path}-0001.ndjson.zst`, 'another bucket'],
  ])('dead-letters %s at once, names its key, and tells of it', async (what, bucket, key, reason) => {
    // No retry and no redrive brings back what S3 has lost, and the command that does is another one.
    const error = what === 'an object that is not there' ? 'LostObjectError' : 'TerminalError';
    const body = formatObjectCreated({ bucket, key });
    expect(await handle(recordOf(body, { replay: 'r-7' }))).toEqual({ batchItemFailures: [] });
    const [letter, ...others] = await receive('transform-dlq');
    expect(others).toEqual([]);
    expect(letter?.Body).toBe(body);
    expect(letter?.MessageAttributes).toMatchObject({
      error: { StringValue: error },
      reason: { StringValue: expect.stringContaining(reason) },
      key: { StringValue: key },
      replay: { StringValue: 'r-7' },
    });
    const event = zones.cloud.events().at(-1);
    expect(event).toMatchObject({ Source: 'starlift', DetailType: 'Table Failed' });
    expect(JSON.parse(event?.Detail ?? '')).toMatchObject({
      stage: 'ci',
      queue: 'transform',
      key,
      error,
    });
  });

  it('transforms the other objects of a message that names a bad one', async () => {
    const good = await ingest(zones, ingestedKey('payment', '0003'), [paymentLine(1)]);
    const bad = `payment/${path}-4041.ndjson.zst`;
    const [first, second] = [bad, good].map(
      (key) => JSON.parse(formatObjectCreated({ bucket: 'ingested', key })).Records[0],
    );
    await handle(recordOf(JSON.stringify({ Records: [first, second] })));
    expect(await listKeys(zones.processed)).toContain(`fact_payment/${path}-0003-r0.parquet`);
    expect(
      (await receive('transform-dlq')).map(({ MessageAttributes }) => MessageAttributes?.key),
    ).toMatchObject([{ StringValue: bad }]);
  });
});

describe('reportFailure', () => {
  const failure = {
    record: recordOf('{}'),
    error: new TerminalError('no use'),
    reason: { error: 'TerminalError', reason: 'no use', failedAt: '2024-02-29T00:00:00.000Z' },
  };

  it('sends no event for a message that is tried again', async () => {
    const retry = {
      action: 'retry' as const,
      attempts: 1,
      delaySeconds: 2,
      isCopied: true,
      waitingSince: new Date(),
    };
    const before = zones.cloud.events().length;
    const eventBridge = new EventBridgeClient({});
    const deps = {
      queue: 'transform' as const,
      logger: makeLogger('test'),
      notify: makeNotify(eventBridge, 'ci'),
    };
    await reportFailure({ ...failure, verdict: retry }, deps);
    expect(zones.cloud.events()).toHaveLength(before);
    await reportFailure({ ...failure, verdict: { action: 'dead-letter' } }, deps);
    expect(zones.cloud.events()).toHaveLength(before + 1);
    eventBridge.destroy();
  });

  it('keeps a dead letter single where the event cannot be told', async () => {
    const error = jest.fn();
    const logger = { warn: jest.fn(), error };
    const notify = async () => {
      throw new Error('no event bus');
    };
    await reportFailure(
      { ...failure, verdict: { action: 'dead-letter' } },
      { queue: 'transform', logger, notify },
    );
    expect(error).toHaveBeenCalledTimes(2);
  });
});
