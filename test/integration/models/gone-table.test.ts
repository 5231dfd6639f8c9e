import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { Site } from '../../../cli/site/site.ts';
import { readStatus } from '../../../cli/status/read-status.ts';
import {
  defineDimension,
  defineFact,
  int,
  type ModelDefinition,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { connect } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';
import { makeSiteOf } from '../../reliability/silence/status-evidence.ts';

const customerAs = (name: string) =>
  defineDimension({
    name,
    source: { table: 'customer', key: ['customer_id'], columns: { customer_id: 'int4', name: 'varchar' } },
    key: ['customer_id'],
    columns: { customer_id: int('customer_id'), name: varchar('name') },
  });

const orderOf = (dimension: string) =>
  defineFact({
    name: 'fact_order',
    source: {
      table: 'order',
      key: ['order_id'],
      columns: { order_id: 'int4', customer_id: 'int4', amount: 'int4' },
    },
    key: ['order_id'],
    versions: [],
    columns: {
      order_id: int('order_id'),
      customer_id: int('customer_id', { references: dimension }),
      amount: int('amount'),
    },
  });

const visit = defineDimension({
  name: 'visit',
  source: { table: 'visit', key: ['visit_id'], columns: { visit_id: 'int4', page: 'varchar' } },
  key: ['visit_id'],
  columns: { visit_id: int('visit_id'), page: varchar('page') },
});

const older: ModelDefinition = {
  name: 'test',
  tables: [customerAs('dim_customer'), orderOf('dim_customer'), visit],
};
/** `visit` has left, and `dim_customer` goes by another name. */
const newer: ModelDefinition = { name: 'test', tables: [customerAs('dim_client'), orderOf('dim_client')] };

async function takeMessages({ clients: { sqs } }: InlineRoad, QueueUrl: string): Promise<Message[]> {
  const taken: Message[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await sqs.send(command);
    if (Messages.length === 0) return taken;
    for (const { ReceiptHandle } of Messages)
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    taken.push(...Messages);
  }
}

describe('a table that leaves the model, and one that is renamed, while their messages are at every step', () => {
  let server: PostgresServer;
  let road: InlineRoad;
  let source: pg.Client;
  let warehouse: pg.Client;
  let site: Site;

  const change = (id: number) =>
    source.query(`
      insert into customer values (${id}, 'customer ${id}');
      insert into "order" values (${id}, ${id}, ${id * 10});
      insert into visit values (${id}, '/page/${id}')`);

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const sourceUrl = await server.createDatabase('source');
    const warehouseUrl = await server.createDatabase('warehouse');
    source = await connect(sourceUrl);
    warehouse = await connect(warehouseUrl);
    await source.query(`
      create table customer (customer_id int primary key, name varchar not null);
      create table "order" (order_id int primary key, customer_id int not null, amount int not null);
      create table visit (visit_id int primary key, page varchar not null)`);
    road = await startInlineRoad({ sourceUrl, warehouseUrl, definition: older });
    site = {
      ...makeSiteOf({ ...road, sourceUrl, warehouseUrl }),
      model: assembleModel(newer),
    };
    await change(1);
    // Each environment of each function knows the old model from here on.
    await road.run();
    await change(2);
    await road.run();

    for (const kind of ['extract', 'transform', 'load'] as const) await road.stop(kind);
    await change(3);
    await road.plan();
    await road.settle('transform');
    await road.stop('transform');
    await road.stop('extract');
    const processed = await takeMessages(road, road.queueUrl('load'));
    await change(4);
    await road.plan();
    await road.settle('extract');
    await road.stop('extract');
    const ingested = await takeMessages(road, road.queueUrl('transform'));
    await change(5);
    await road.plan();
    const extracts = await takeMessages(road, road.queueUrl('extract'));

    await publishModel(road.ingested, newer);
    await change(6);
    await road.plan();
    await road.settle();
    // Only after the new model is at work, as a sweep sends what was lost.
    for (const [kind, messages] of [
      ['load', processed],
      ['transform', ingested],
      ['extract', extracts],
    ] as const) {
      expect(messages.length).toBeGreaterThanOrEqual(3);
      for (const { Body } of messages) {
        const command = new SendMessageCommand({ QueueUrl: road.queueUrl(kind), MessageBody: Body });
        await road.clients.sqs.send(command);
      }
    }
    await road.settle();
  });
  afterAll(async () => {
    await road?.end();
    await Promise.all([source?.end(), warehouse?.end()]);
    await server?.stop();
  });

  it('leaves no dead letter', async () => {
    expect(await road.deadLetters()).toEqual([]);
  });

  it('lands exactly in the tables that the model has', async () => {
    const rowsOf = async (client: pg.Client, table: string) =>
      (await client.query({ text: `select * from ${table} order by 1`, rowMode: 'array' })).rows;
    const columns = async (client: pg.Client, list: string, table: string) =>
      rowsOf(client, `(select ${list} from ${table}) rows`);
    expect(await columns(warehouse, 'customer_id, name', 'dim_client')).toEqual(
      await rowsOf(source, 'customer'),
    );
    expect(await columns(warehouse, 'order_id, customer_id, amount', 'fact_order')).toEqual(
      await rowsOf(source, '"order"'),
    );
    expect(await rowsOf(source, 'customer')).toHaveLength(6);
  });

  it('keeps what the table that has left had by then', async () => {
    const { rows } = await warehouse.query('select visit_id from visit order by 1');
    expect(rows).toEqual([{ visit_id: 1 }, { visit_id: 2 }]);
  });

  it('leaves status green', async () => {
    // A part that is slow on a busy machine is a trouble as well.
    await seen(async () => (await readStatus(site)).ok, 60);
    expect((await readStatus(site)).troubles.filter(({ kind }) => kind !== 'unanswered')).toEqual([]);
  });
});
