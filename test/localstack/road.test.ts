import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { redrive } from '../../cli/failures/redrive.ts';
import type { Site } from '../../cli/site/site.ts';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { eventQueueName } from '../../localstack/make-resources.ts';
import { type Road, startRoad } from '../../localstack/road.ts';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import { waitUntil } from '../deploy/wait-until.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { localStackConnection } from './connection.ts';
import { makeLocalStackSite } from './localstack-site.ts';

let server: PostgresServer;
let source: pg.Client;
let warehouse: pg.Client;
let road: Road;
let site: Site;
const log: string[] = [];

beforeAll(async () => {
  server = await startTemporaryPostgres({ ownIdentity: true });
  source = await connect(await server.createDatabase('shop'));
  warehouse = await connect(await server.createDatabase('warehouse'));
  await fillSampleShop(source, { orders: 500 });
  road = await startRoad({
    endpoint: localStackConnection().endpoint,
    sourceUrl: server.url('shop'),
    warehouseUrl: server.url('warehouse'),
    onLog: (line) => log.push(line),
  });
  site = makeLocalStackSite(road);
});

afterAll(async () => {
  await road?.stop();
  await Promise.all([source?.end(), warehouse?.end()]);
  await server?.stop();
});

describe("the whole road on LocalStack's S3, SQS and Secrets Manager", () => {
  it('the sample shop lands, every row of it', async () => {
    expect(await road.plan()).toMatchObject({ failures: [] });
    await untilLoaded();
    // The sample shop's own numbers, and two versions of none: nothing has changed yet.
    expect(await count('select from fact_sales_order')).toBe(500);
    expect(await site.listDeadLetters()).toEqual([]);
  });

  it('a second run brings the changes, and nothing else', async () => {
    await source.query(`update department set location = 'Elsewhere' where department_id = 1`);
    await source.query(
      `update sales_order set units_sold = units_sold + 1, last_updated = now() where sales_order_id <= 20`,
    );
    await road.plan();
    await untilLoaded();
    expect(await count('select from fact_sales_order')).toBe(520);
    expect(await count(`select from dim_staff where location = 'Elsewhere'`)).toBe(
      Number((await source.query('select from staff where department_id = 1')).rowCount),
    );
    expect(await site.listDeadLetters()).toEqual([]);
  });

  it('a poisoned table goes to its dead-letter queue while the others land, and is redriven by a move task', async () => {
    await warehouse.query(`alter table dim_currency add constraint poison check (currency_code <> 'BAD')`);
    await source.query(`update currency set currency_code = 'BAD' where currency_id = 1`);
    await source.query(`update payment_type set payment_type_name = 'Beside it' where payment_type_id = 1`);
    await road.plan();
    const [letter] = await waitUntil('the message is a dead letter', 60, async () => {
      const letters = await site.listDeadLetters();
      return letters.length > 0 && letters;
    });
    expect(letter).toMatchObject({ queue: 'load', table: 'dim_currency', error: 'TerminalError' });
    await waitUntil('its neighbour has landed', 60, async () => {
      return (await count(`select from dim_payment_type where payment_type_name = 'Beside it'`)) === 1;
    });
    expect(await nextEvent()).toMatchObject({
      'detail-type': 'Table Failed',
      detail: { queue: 'load', table: 'dim_currency' },
    });
    await warehouse.query('alter table dim_currency drop constraint poison');
    expect(await redrive(site, {})).toEqual([expect.objectContaining({ queue: 'load', outcome: 'moving' })]);
    await untilLoaded();
    expect(await nextEvent()).toMatchObject({
      'detail-type': 'Table Recovered',
      detail: { queue: 'load', table: 'dim_currency' },
    });
    expect(await site.listDeadLetters()).toEqual([]);
  });
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

const count = async (query: string): Promise<number> => Number((await warehouse.query(query)).rowCount);

async function untilLoaded(): Promise<void> {
  await waitUntil('the warehouse is what the source says', 90, async () => {
    const { rows } = await warehouse.query(`select to_regclass('public.fact_payment') as made`);
    if (rows[0]?.made === null) return false;
    return (await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys })).ok;
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${log.slice(-20).join('\n')}`);
  });
}

async function nextEvent(): Promise<unknown> {
  const QueueUrl = road.queueUrl(eventQueueName);
  const { sqs } = road.clients;
  const message = await waitUntil('an event has come', 30, async () => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
    return Messages[0];
  });
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  return JSON.parse(message.Body ?? '{}');
}
