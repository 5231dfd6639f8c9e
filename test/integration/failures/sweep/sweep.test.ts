import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { loadObject } from '../../../../services/loading/load/load.ts';
import { sweepProcessed } from '../../../../services/loading/sweep/sweep.ts';
import { sweepIngested } from '../../../../services/transformation/sweep/sweep.ts';
import {
  type TransformOptions,
  transformObject,
} from '../../../../services/transformation/transform/transform.ts';
import {
  type IngestedKey,
  type ProcessedKey,
  parseObjectKey,
} from '../../../../shared/object-store/object-key.ts';
import { formatObjectCreated, parseObjectCreated } from '../../../../shared/queue/object-created.ts';
import { putDropped } from '../../../../shared/records/dropped.ts';
import { makeReadLayout } from '../../../../shared/records/plan/layout.ts';
import { formatRetryingKey, putRetrying } from '../../../../shared/records/retrying.ts';
import { ensureWarehouse } from '../../../../shared/warehouse/ensure-warehouse.ts';
import { totesys } from '../../../helpers/models/totesys.ts';
import { credentials, ingestedKey } from '../../../helpers/network/zones.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import { ingestCurrency, type LossyZones, openLossyZones } from './lossy-zones.ts';

describe('the sweep', () => {
  let zones: LossyZones;
  let server: PostgresServer;
  let warehouse: pg.Client;
  let sqs: SQSClient;
  let slice = 0;
  /** Reads as if so many minutes had passed since the objects were put. */
  const inMinutes = (minutes: number) => () => new Date(Date.now() + minutes * 60_000);

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    warehouse = new pg.Client(await server.createDatabase('warehouse'));
    await warehouse.connect();
  });
  afterAll(async () => {
    await warehouse.end();
    await server.stop();
  });
  beforeEach(async () => {
    slice = 1;
    zones = await openLossyZones();
    const { endpoint, region } = zones.cloud;
    sqs = new SQSClient({ endpoint, region, credentials });
    await warehouse.query(
      'drop schema if exists starlift cascade; drop schema public cascade; create schema public',
    );
    await ensureWarehouse(warehouse, totesys, { schema: 'public', foreignKeys: 'declared' });
  });
  afterEach(async () => {
    sqs.destroy();
    await zones.stop();
  });

  const database = {
    withClient: <T>(work: (client: pg.PoolClient) => Promise<T>) => work(warehouse as never),
  };
  const sweepTransform = (minutes = 16) =>
    sweepIngested({
      ...zones,
      model: totesys,
      sqs,
      queueUrl: zones.cloud.queueUrl('transform'),
      now: inMinutes(minutes),
    });
  const sweepLoad = (minutes = 16) =>
    sweepProcessed({
      ...zones,
      database,
      model: totesys,
      sqs,
      queueUrl: zones.cloud.queueUrl('load'),
      now: inMinutes(minutes),
    });

  /** Takes the messages off a queue and does their work. */
  async function work(queue: 'transform' | 'load'): Promise<number> {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: zones.cloud.queueUrl(queue), MaxNumberOfMessages: 10 }),
    );
    for (const { Body = '' } of Messages) {
      for (const { key } of parseObjectCreated(Body)) {
        if (queue === 'load') {
          const deps = { ...zones, database, notify: async () => {}, model: totesys, schema: 'public' };
          await loadObject(parseObjectKey(key) as ProcessedKey, deps);
        } else await transformKey(key);
      }
    }
    await zones.emptyQueue(queue);
    return Messages.length;
  }

  const transformKey = (key: string, options: TransformOptions = {}) => {
    const readLayout = makeReadLayout(zones.ingested);
    const deps = { ...zones, readLayout, model: totesys, notify: async () => {}, warn: () => {} };
    return transformObject(parseObjectKey(key) as IngestedKey, deps, options);
  };

  const currencies = async () =>
    (await warehouse.query('select currency_id from dim_currency order by 1')).rows.map(
      (row: { currency_id: number }) => row.currency_id,
    );

  it('loads an object whose events were all lost, and then finds nothing more', async () => {
    const key = await ingestCurrency(zones, slice, 7);
    expect((await sweepTransform(14)).sent).toEqual([]);
    expect(await sweepTransform()).toEqual({ objects: 1, sent: [key], isBlind: false });
    expect(await work('transform')).toBe(1);
    expect((await sweepTransform()).sent).toEqual([]);
    expect((await sweepLoad(14)).sent).toEqual([]);
    expect((await sweepLoad()).sent).toEqual([
      key.replace('currency/', 'dim_currency/').replace('.ndjson.zst', '-r0.parquet'),
    ]);
    expect(await work('load')).toBe(1);
    expect(await currencies()).toEqual([7]);
    expect((await sweepLoad()).sent).toEqual([]);
  });

  describe('of what is retried', () => {
    const noteOf = (key: string) =>
      formatRetryingKey('transform', formatObjectCreated({ bucket: 'ingested', key }));
    /** The handler's note that a message has failed; it is due so many minutes from now. */
    const note = (key: string, minutes: number) =>
      putRetrying(zones.ingested, formatObjectCreated({ bucket: 'ingested', key }), {
        queue: 'transform',
        key,
        attempts: 0,
        by: 'AWS',
        error: 'RefusedError',
        reason: 'S3 does not answer',
        waitingSince: new Date().toISOString(),
        triedAt: new Date().toISOString(),
        nextAt: inMinutes(minutes)().toISOString(),
      });
    const sendTo = (key: string) =>
      sqs.send(
        new SendMessageCommand({
          QueueUrl: zones.cloud.queueUrl('transform'),
          MessageBody: formatObjectCreated({ bucket: 'ingested', key }),
        }),
      );

    it('sends nothing, and what is lost beside it', async () => {
      const [retried, lost] = [await ingestCurrency(zones, 1, 1), await ingestCurrency(zones, 2, 2)];
      await note(retried, 17);
      await sendTo(retried);
      expect((await sweepTransform()).sent).toEqual([lost]);
      expect(await zones.ingested.head(noteOf(retried))).toBeDefined();
    });

    it('sends again what no queue has any more, and deletes the note', async () => {
      const retried = await ingestCurrency(zones, 1, 1);
      await note(retried, 0);
      expect((await sweepTransform()).sent).toEqual([retried]);
      expect(await zones.ingested.head(noteOf(retried))).toBeUndefined();
    });

    it('deletes the note of what is done, whatever else is on the queue', async () => {
      const [done, other] = [await ingestCurrency(zones, 1, 1), await ingestCurrency(zones, 2, 2)];
      await transformKey(done);
      await note(done, 0);
      await note(other, 0);
      await sendTo(other);
      expect((await sweepTransform()).sent).toEqual([]);
      expect(await zones.ingested.head(noteOf(done))).toBeUndefined();
      expect(await zones.ingested.head(noteOf(other))).toBeDefined();
    });

    it('sends nothing that an operator has discarded', async () => {
      const key = await ingestCurrency(zones, 1, 1);
      const dropped = {
        queue: 'transform',
        key,
        reason: 'a test',
        droppedAt: new Date().toISOString(),
      } as const;
      await putDropped(zones.ingested, dropped);
      expect((await sweepTransform()).sent).toEqual([]);
    });
  });

  it('loads what the warehouse has lost in a failover', async () => {
    await transformKey(await ingestCurrency(zones, slice, 7));
    await sweepLoad();
    await work('load');
    const before = await currencies();
    expect(before).toEqual([7]);
    await warehouse.query('delete from starlift.object; delete from dim_currency');
    expect((await sweepLoad()).sent).toHaveLength(1);
    await work('load');
    expect(await currencies()).toEqual(before);
  });

  it('sends again what a restored warehouse lacks, of any age, and requests a full read of the source', async () => {
    const old = { ...ingestedKey('currency', '0001'), run: '20200101T000000000Z00af' };
    const key = await ingestCurrency(zones, 1, 12, old);
    const body = formatObjectCreated({ bucket: 'ingested', key });
    await sqs.send(
      new SendMessageCommand({ QueueUrl: zones.cloud.queueUrl('transform'), MessageBody: body }),
    );
    await work('transform');
    const processed = key.replace('currency/', 'dim_currency/').replace('.ndjson.zst', '-r0.parquet');
    const load = formatObjectCreated({ bucket: 'processed', key: processed });
    await sqs.send(new SendMessageCommand({ QueueUrl: zones.cloud.queueUrl('load'), MessageBody: load }));
    await work('load');
    expect(await sweepLoad()).toMatchObject({ sent: [], gap: undefined });
    const requests = async () => {
      const found: string[] = [];
      for await (const object of zones.ingested.list('state/requests/')) found.push(object.key);
      return found;
    };
    const before = await requests();
    await warehouse.query('delete from starlift.object where key = $1', [processed]);
    await warehouse.query('delete from dim_currency where currency_id = 12');
    // The queue holds more messages than objects are missing: they account for none of them.
    await sqs.send(new SendMessageCommand({ QueueUrl: zones.cloud.queueUrl('load'), MessageBody: load }));
    const swept = await sweepLoad();
    expect(swept).toMatchObject({ sent: [processed], gap: { missing: 1 } });
    expect(await requests()).toHaveLength(before.length + 1);
    await work('load');
    expect(await currencies()).toContain(12);
    expect(await sweepLoad()).toMatchObject({ sent: [], gap: undefined });
    expect(await requests()).toHaveLength(before.length + 1);
  });

  it('leaves dead letters to the operator, including those that SQS has moved itself, and gives them back', async () => {
    const keys = [await ingestCurrency(zones, slice, 8), await ingestCurrency(zones, ++slice, 9)];
    const letters = zones.cloud.queueUrl('transform-dlq');
    const [byHandler = '', bySqs = ''] = keys;
    const attributes = { key: { DataType: 'String', StringValue: byHandler } };
    const send = (body: string, more: object = {}) =>
      sqs.send(new SendMessageCommand({ QueueUrl: letters, MessageBody: body, ...more }));
    await send('not JSON', { MessageAttributes: attributes });
    await send(formatObjectCreated({ bucket: 'ingested', key: bySqs }));
    expect((await sweepTransform()).sent).toEqual([]);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: letters, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
    );
    expect(Messages).toHaveLength(2);
    await zones.emptyQueue('transform-dlq');
    expect((await sweepTransform()).sent.sort()).toEqual([...keys].sort());
  });

  it('sends nothing while the queue may hold all that is missing', async () => {
    const key = await ingestCurrency(zones, slice, 10);
    const queueUrl = zones.cloud.queueUrl('transform');
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: formatObjectCreated({ bucket: 'ingested', key }),
      }),
    );
    expect((await sweepTransform()).sent).toEqual([]);
    await zones.emptyQueue('transform');
    expect((await sweepTransform()).sent).toEqual([key]);
  });

  it('does not keep sending an object whose first revision is lost while a later one is there', async () => {
    const key = await ingestCurrency(zones, slice, 12);
    await transformKey(key);
    await transformKey(key, { replay: 'r' });
    const first = key.replace('currency/', 'dim_currency/').replace('.ndjson.zst', '-r0.parquet');
    await zones.processed.delete(first);
    expect((await sweepTransform()).sent).toEqual([]);
    await zones.processed.delete(first.replace('-r0', '-r1'));
    expect((await sweepTransform()).sent).toEqual([key]);
  });

  it('does not look at runs of long ago', async () => {
    const old = { ...ingestedKey('currency', '0001'), run: '20200101T000000000Z00af' };
    await ingestCurrency(zones, 1, 11, old);
    expect((await sweepTransform()).sent).toEqual([]);
  });

  it('runs as the scheduled functions, which return what they did', async () => {
    await ingestCurrency(zones, slice, 13);
    await transformKey(await ingestCurrency(zones, ++slice, 14));
    Object.assign(process.env, zones.environment(server.port));
    const context = { awsRequestId: 'r-1', functionName: 'sweep' };
    for (const service of ['transformation', 'loading']) {
      const { handler } = (await import(`../../../../services/${service}/sweep/handler.ts`)) as {
        handler: (event: unknown, context: unknown) => Promise<unknown>;
      };
      // What is missing was put just now: it may be on its way.
      expect(await handler({}, context)).toMatchObject({ sent: [], isBlind: false });
    }
  });
});
