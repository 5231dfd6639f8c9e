import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { makeReadyWarehouse } from '../../../services/loading/ready-warehouse.ts';
import { defineDimension, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { makeModelReader, publishModel, type ReadModel } from '../../../shared/records/published-model.ts';
import { adoptModel } from '../../../shared/warehouse/adopt-model.ts';
import { findViewFaults } from '../../../shared/warehouse/current/keep-current-views.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type MemoryStore, makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { smallTables } from '../../helpers/small-warehouse/small-model.ts';

const older = { name: 'test', tables: smallTables, lookups: {} };
const newer = {
  ...older,
  tables: [
    ...smallTables.filter((table) => !('name' in table) || table.name !== 'dim_colour'),
    defineDimension({
      name: 'dim_colour',
      source: {
        table: 'colour',
        key: ['colour_id'],
        columns: { colour_id: 'int4', name: 'varchar?', tone: 'varchar?' },
      },
      key: ['colour_id'],
      columns: {
        colour_id: int('colour_id'),
        name: varchar('name', { nullable: true }),
        tone: varchar('tone', { nullable: true }),
      },
    }),
    defineDimension({
      name: 'dim_size',
      source: { table: 'size', key: ['size_id'], columns: { size_id: 'int4' } },
      key: ['size_id'],
      columns: { size_id: int('size_id') },
    }),
  ],
};

let server: PostgresServer;
let warehouse: pg.Client;
let store: MemoryStore;
beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(async () => {
  await warehouse?.end();
  await server.stop();
});
beforeEach(async () => {
  await warehouse?.end();
  warehouse = new pg.Client(await server.createDatabase(`w${randomUUID()}`));
  await warehouse.connect();
  store = makeMemoryStore();
});

const database = {
  withClient: <T>(work: (client: pg.PoolClient) => Promise<T>) => work(warehouse as never),
};
/** What a process of the stage does before it works on the warehouse, with its own look at the pointer. */
const processOf = (readModel: ReadModel = makeModelReader(store)) => {
  const ready = makeReadyWarehouse({
    schema: 'public',
    foreignKeys: 'declared',
    ingested: store,
    readModel,
    stage: 'ci',
    boundForMs: 0,
  });
  return () => ready(database as never);
};
const columns = async (table: string) =>
  (
    await warehouse.query<{ column: string }>(
      `select attname || case when attnotnull then '' else '?' end as column from pg_attribute
        where attrelid = to_regclass($1) and attnum > 0 order by attnum`,
      [table],
    )
  ).rows.map(({ column }) => column);
const noted = async () =>
  (await warehouse.query('select model_id, model_number from starlift.binding')).rows[0];

describe('a warehouse whose model has changed', () => {
  it('gets the new columns and tables from the first process that knows the model', async () => {
    const first = await publishModel(store, older);
    const stale = processOf();
    await stale();
    expect(await noted()).toEqual({ model_id: first.hash, model_number: 1 });
    const second = await publishModel(store, newer);
    expect(await processOf()()).toMatchObject({ number: 2, refused: new Map() });
    expect(await columns('dim_colour')).toEqual([
      'colour_id',
      'name?',
      '_object_id',
      '_deleted_by?',
      'tone?',
    ]);
    expect(await columns('dim_size')).toEqual(['size_id', '_object_id', '_deleted_by?']);
    expect(await noted()).toEqual({ model_id: second.hash, model_number: 2 });
  });

  it('has the views of current rows changed in the transaction that changes the tables', async () => {
    await publishModel(store, older);
    await processOf()();
    const published = { ...(await publishModel(store, newer)), model: assembleModel(newer) };
    const adopt = () =>
      adoptModel(warehouse, published, { schema: 'public', readDefinition: async () => older, looked: 2 });
    // What comes last in the transaction.
    await warehouse.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
      create trigger refuse before update on starlift.binding execute function refuse()`);
    await expect(adopt()).rejects.toThrow('refused');
    expect(await columns('dim_colour')).not.toContain('tone?');
    expect(await columns('dim_colour_current')).not.toContain('tone?');
    await warehouse.query('drop trigger refuse on starlift.binding');
    await adopt();
    expect(await columns('dim_colour')).toContain('tone?');
    expect(await columns('dim_colour_current')).toContain('tone?');
  });

  it('gives the views of current rows the new columns, and keeps their rights and what was made of them', async () => {
    await publishModel(store, older);
    await processOf()();
    await warehouse.query(`
      create role analyst;
      grant select on dim_colour to analyst;
      grant select on dim_colour_current to analyst;
      create view report as select upper(name) as name from dim_colour_current;
      insert into dim_colour values (1, 'red', 1)`);
    await publishModel(store, newer);
    const published = await processOf()();
    expect(await columns('dim_colour_current')).toEqual(['colour_id?', 'name?', '_object_id?', 'tone?']);
    expect(await columns('dim_size_current')).toEqual(['size_id?', '_object_id?']);
    expect(await findViewFaults(warehouse, published.model, 'public')).toEqual([]);
    await warehouse.query('set role analyst');
    const { rows } = await warehouse.query('select name, tone from dim_colour_current');
    await warehouse.query('reset role');
    expect(rows).toEqual([{ name: 'red', tone: null }]);
    expect((await warehouse.query('select name from report')).rows).toEqual([{ name: 'RED' }]);
  });

  it('makes a view of current rows again that was dropped while its process goes on', async () => {
    await publishModel(store, older);
    const process = processOf();
    await process();
    await warehouse.query('drop view dim_colour_current');
    await process();
    expect(await columns('dim_colour_current')).toHaveLength(3);
  });

  it('shows a process with the old model that there is a later one', async () => {
    await publishModel(store, older);
    const readModel = makeModelReader(store);
    await readModel();
    await publishModel(store, newer);
    await processOf()();
    expect(await processOf(readModel)()).toMatchObject({ number: 2 });
  });

  it('does not get a column back that a user has dropped by hand', async () => {
    await publishModel(store, older);
    await processOf()();
    await warehouse.query('alter table dim_colour drop column name cascade');
    await publishModel(store, newer);
    await expect(processOf()()).rejects.toThrow(/dim_colour is not the model's: column name .* is missing/);
  });

  it('goes by the pointer where numbers have begun anew', async () => {
    await publishModel(store, older);
    await publishModel(store, newer);
    await publishModel(store, older);
    await processOf()();
    expect(await noted()).toMatchObject({ model_number: 3 });
    store.objects.delete('state/model.json');
    const { hash } = await publishModel(store, newer);
    expect(await processOf()()).toMatchObject({ number: 1, looked: 3 });
    expect(await noted()).toEqual({ model_id: hash, model_number: 1 });
    expect(await columns('dim_colour')).toContain('tone?');
  });

  it('is changed once, however many processes see the model first at the same time', async () => {
    await publishModel(store, older);
    await processOf()();
    await publishModel(store, newer);
    const others = await Promise.all(
      [1, 2, 3].map(async () => {
        const { host, port, database: name, user } = warehouse;
        const client = new pg.Client({ host, port, database: name ?? '', user: user ?? '' });
        await client.connect();
        return client;
      }),
    );
    const outcomes = await Promise.all(
      others.map(async (client) => {
        const lend = { withClient: <T>(work: (of: pg.PoolClient) => Promise<T>) => work(client as never) };
        const ready = makeReadyWarehouse({
          schema: 'public',
          foreignKeys: 'declared',
          ingested: store,
          readModel: makeModelReader(store),
          stage: 'ci',
        });
        return ready(lend as never);
      }),
    );
    await Promise.all(others.map((client) => client.end()));
    expect(outcomes.map(({ refused }) => refused.size)).toEqual([0, 0, 0]);
    expect(await columns('dim_colour')).toEqual([
      'colour_id',
      'name?',
      '_object_id',
      '_deleted_by?',
      'tone?',
    ]);
  });

  it('waits where the role may not change its tables, and names the statement', async () => {
    await publishModel(store, older);
    await processOf()();
    const published = { ...(await publishModel(store, newer)), model: assembleModel(newer) };
    await warehouse.query(`
      create role visitor;
      grant usage on schema starlift to visitor;
      grant all on all tables in schema starlift to visitor;
      set role visitor`);
    const readDefinition = async () => older;
    await expect(
      adoptModel(warehouse, published, { schema: 'public', readDefinition, looked: 2 }),
    ).rejects.toMatchObject({
      name: 'RefusedError',
      message: expect.stringContaining('alter table "public"."dim_colour" alter column "name" drop not null'),
    });
    await warehouse.query('reset role');
    expect(await noted()).toMatchObject({ model_number: 1 });
  });
});
