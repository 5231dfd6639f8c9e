import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../../cli/database/connect.ts';
import { findTablesToBackfill, noteBackfill } from '../../../cli/project/noted-backfill.ts';
import { sendBackfill } from '../../../cli/replay/backfill.ts';
import type { ColumnDefinition, ModelDefinition, SourceType } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

/** The model with one more column of one table, under the name that it has in the source. */
function withColumn(
  model: ModelDefinition,
  table: string,
  name: string,
  type: { source: SourceType; warehouse: 'int' | 'varchar' },
): ModelDefinition {
  const column: ColumnDefinition = {
    type: { name: type.warehouse },
    from: { kind: 'field', field: name },
    nullable: true,
  };
  return {
    ...model,
    tables: model.tables.map((each) => {
      if (each.kind === 'ingested only' || each.kind === 'calendar' || each.name !== table) return each;
      const columns = { ...each.source.columns, [name]: `${type.source}?` as const };
      const source = { ...each.source, columns };
      return { ...each, source, columns: { ...each.columns, [name]: column } };
    }),
  };
}

/** The model whose extracts leave a column out that the source has. */
function withoutField(model: ModelDefinition, table: string, field: string): ModelDefinition {
  return {
    ...model,
    tables: model.tables.map((each) => {
      if (each.kind === 'calendar' || each.source.table !== table) return each;
      const { [field]: _, ...columns } = each.source.columns;
      return { ...each, source: { ...each.source, columns } };
    }),
  };
}

const older = withoutField(
  withoutField(totesysDefinition, 'payment', 'company_ac_number'),
  'counterparty',
  'commercial_contact',
);
const newer = withColumn(
  withColumn(older, 'fact_payment', 'company_ac_number', { source: 'int4', warehouse: 'int' }),
  'dim_counterparty',
  'commercial_contact',
  { source: 'varchar', warehouse: 'varchar' },
);

/** Takes all messages off a queue that nobody works off. */
async function takeMessages({ clients: { sqs } }: InlineRoad, QueueUrl: string): Promise<Message[]> {
  const taken: Message[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await sqs.send(command);
    if (Messages.length === 0) return taken;
    for (const { ReceiptHandle } of Messages) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    taken.push(...Messages);
  }
}

async function listKeys(road: InlineRoad, zone: 'ingested' | 'processed', prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of road[zone].list(prefix)) keys.push(key);
  return keys;
}

describe('a model that gets a column while messages of the old one are at every step', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  const source = (query: string) => databases.source.query(query);

  /** A version of a payment of its own, and a change of a counterparty. */
  const change = (payment: number, amount: number) =>
    source(`
      update payment set payment_amount = ${amount}, company_ac_number = ${payment + 5000},
                         last_updated = last_updated + interval '1 day' where payment_id = ${payment};
      update counterparty set commercial_contact = 'Contact ${amount}',
                              last_updated = last_updated + interval '1 day' where counterparty_id = 1`);

  let processedBefore: Message[];
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startInlineRoad({ ...databases, definition: older });
    // Each environment of each function knows the old model from here on.
    await road.run();
    await road.run();

    for (const kind of ['extract', 'transform', 'load'] as const) await road.stop(kind);
    await change(1, 1);
    await road.plan();
    await road.settle('transform');
    await road.stop('transform');
    await road.stop('extract');
    // Only after the new model is at work, as the sweep sends what was lost.
    processedBefore = await takeMessages(road, road.queueUrl('load'));
    await change(1, 11);
    await change(2, 2);
    await road.plan();
    await road.settle('extract');
    await road.stop('extract');
    await change(3, 3);
    await road.plan();

    await publishModel(road.ingested, newer);
    await change(4, 4);
    await road.plan();
    await road.settle();
    for (const { Body } of processedBefore) {
      await road.clients.sqs.send(
        new SendMessageCommand({ QueueUrl: road.queueUrl('load'), MessageBody: Body }),
      );
    }
    await road.settle();
  });
  afterAll(async () => {
    await road?.end();
    await databases?.end();
    await server?.stop();
  });

  const ask = async (query: string) => (await databases.warehouse.query(query)).rows;

  it('leaves no dead letter, and no row in quarantine', async () => {
    expect(await road.deadLetters()).toEqual([]);
    expect(await listKeys(road, 'processed', 'quarantine/')).toEqual([]);
    expect(await listKeys(road, 'ingested', 'failed/')).toEqual([]);
  });

  it('fills the new columns of every row that is in the source', async () => {
    const payments = `select payment_id, payment_amount::text as amount, company_ac_number as account`;
    const { rows: expected } = await source(`${payments} from payment order by 1`);
    expect(
      await ask(`
        ${payments} from (select distinct on (payment_id) * from fact_payment
                           order by payment_id, last_updated_date desc, last_updated_time desc) newest
         order by 1`),
    ).toEqual(expected);
    const contacts = `select counterparty_id, commercial_contact from`;
    const { rows: wanted } = await source(`${contacts} counterparty order by 1`);
    expect(await ask(`${contacts} dim_counterparty order by 1`)).toEqual(wanted);
    expect(wanted[0]).toMatchObject({ commercial_contact: 'Contact 4' });
  });

  it('keeps every version that was captured by the old model, and null where that did not have the column', async () => {
    expect(
      await ask(`
        select payment_amount::text as amount, company_ac_number as account from fact_payment
         where payment_id = 1 order by last_updated_date, last_updated_time`),
    ).toEqual([
      { amount: '100.01', account: null },
      { amount: '1.00', account: null },
      { amount: '11.00', account: 5001 },
    ]);
    const { rows: counts } = await source('select count(*)::int + 5 as versions from payment');
    expect(await ask('select count(*)::int as versions from fact_payment')).toEqual(counts);
  });

  it('made what the old model had made anew, as another revision', async () => {
    const bodies = processedBefore.map(({ Body = '' }) => Body);
    const [run] = /\d{8}T\d{9}Z\w{4}/.exec(bodies.find((body) => body.includes('fact_payment')) ?? '') ?? [];
    const keys = (await listKeys(road, 'processed', 'fact_payment/')).filter((key) =>
      key.includes(String(run)),
    );
    expect(keys.map((key) => /-r\d+\.parquet$/.exec(key)?.[0])).toEqual(['-r0.parquet', '-r1.parquet']);
    const entered = await ask(
      `select revision from starlift.object where run = '${run}' and warehouse_table = 'fact_payment'`,
    );
    expect(entered).toEqual([{ revision: 1 }]);
  });

  it('is noted in the warehouse, and carried by objects', async () => {
    expect(await ask('select model_number from starlift.binding')).toEqual([{ model_number: 2 }]);
    const newest = (await listKeys(road, 'ingested', 'payment/')).at(-1) ?? '';
    expect((await road.ingested.head(newest))?.metadata.model).toBe('2');
  });

  it('leaves nothing to do', async () => {
    expect((await road.plan()).slices).toEqual([]);
    await seen(async () => (await road.deadLetters()).length === 0);
  });
});

/** The model with one more fact of a source table that it reads already. */
function withSecondFact(model: ModelDefinition, fact: string, name: string): ModelDefinition {
  const found = model.tables.find((table) => table.kind === 'fact' && table.name === fact);
  if (found?.kind !== 'fact') throw new Error(`${fact} is not a fact of the model`);
  const { surrogateKey: _, ...rest } = found;
  return { ...model, tables: [...model.tables, { ...rest, name }] };
}

describe('a fact of a source that is captured already', () => {
  it('is filled from S3 by functions that knew the older model alone when its objects were sent', async () => {
    const server = await startTemporaryPostgres();
    const databases = await makeDatabases(server);
    const road = await startInlineRoad(databases);
    try {
      await road.run();
      await databases.source.query(
        "update payment set payment_amount = 1, last_updated = last_updated + interval '1 day' where payment_id = 1",
      );
      await road.run();
      const next = withSecondFact(totesysDefinition, 'fact_payment', 'fact_paid');
      const tables = findTablesToBackfill(totesysDefinition, next);
      expect(tables).toEqual(['fact_paid']);
      await noteBackfill(road.ingested, tables);
      const published = await publishModel(road.ingested, next);
      const { ingested, processed, clients, queueUrl } = road;
      const connectWarehouse = () => connect(databases.warehouseUrl, 'warehouse');
      await sendBackfill(
        { ingested, processed, sqs: clients.sqs, queueUrl, connectWarehouse },
        { ...published, model: assembleModel(next) },
      );
      // Nothing is planned, so all of its rows come from there.
      await road.settle();
      const versions = 'select payment_id, payment_amount, last_updated_date, last_updated_time from';
      const ask = async (fact: string) =>
        (await databases.warehouse.query(`${versions} ${fact} order by 1, 3, 4`)).rows;
      const filled = await ask('fact_paid');
      expect(filled).toEqual(await ask('fact_payment'));
      expect(filled.filter(({ payment_id }) => payment_id === 1)).toHaveLength(2);
    } finally {
      await road.end();
      await databases.end();
      await server.stop();
    }
  });
});
