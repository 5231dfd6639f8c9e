import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { warehouseDdl } from '../../../shared/warehouse/warehouse-schema.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

/** The pipeline's own tables as the first version made them, with a colour that is loaded and a sale that waits. */
const firstVersion = `
  create schema starlift;
  create table starlift.object (
    object_id int8 not null generated always as identity, key text not null, warehouse_table text not null,
    run text not null, slice text not null, rows int8 not null, quarantined int8 not null, generation int8 not null,
    snapshot_xmax int8 not null, snapshot_xmin int8 not null, tie int8 not null, revision int not null,
    loaded_at timestamptz not null default clock_timestamp(), primary key (object_id), unique (key));
  create index on starlift.object (run);
  create table starlift.binding (warehouse_id uuid not null, source_id text);
  create unique index on starlift.binding ((true));
  create table starlift.unreleased (
    warehouse_table text not null, tried_by text not null, reason text not null,
    since timestamptz not null default clock_timestamp(), primary key (warehouse_table));
  create table starlift.initial_load (warehouse_table text not null, run text, primary key (warehouse_table));
  create table starlift.parked_fact_sale (
    sale_id int not null, last_updated_date date not null, last_updated_time time not null, colour_id int not null,
    shape_id int, note varchar not null, _object_id int8 not null,
    unique (sale_id, last_updated_date, last_updated_time));
  insert into starlift.binding values ('00000000-0000-4000-8000-000000000000', 'a source');
  insert into starlift.object (key, warehouse_table, run, slice, rows, quarantined, generation, snapshot_xmax,
                               snapshot_xmin, tie, revision, loaded_at)
  values ('colour', 'dim_colour', 'r', '0000', 1, 0, 1, 50, 1, 0, 0, '2026-01-02T03:04:05.678901Z'),
         ('sale', 'fact_sale', 'r', '0001', 1, 0, 1, 50, 1, 0, 0, '2026-01-02T03:04:06Z');
  insert into dim_colour values (1, 'crimson', 1);
  insert into starlift.parked_fact_sale values (1, '2024-02-29', '23:59:59.999999', 1, 7, 'first', 2)`;

const asRole = (url: string, role: string): string => {
  const changed = new URL(url);
  changed.username = role;
  return changed.href;
};

describe('a warehouse that an older version has made', () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    url = await server.createDatabase(`w${randomUUID()}`);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const ddl = warehouseDdl(smallModel, {
      schema: 'public',
      foreignKeys: 'declared',
      serverVersion: 180_000,
    });
    await client.query([...ddl, firstVersion].join(';\n'));
    await client.end();
  });
  const open = () => WarehouseUnderTest.make(url, smallModel);
  const ask = async (sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };

  it('is migrated by the first load, and goes on where it was', async () => {
    const warehouse = await open();
    expect(await warehouse.putAndLoad('dim_shape', { rows: [round], xmax: 60 })).toMatchObject({
      released: 1,
    });
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'older' }], xmax: 40 });
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'crimson' }]);
    await warehouse.putAndLoad('dim_colour', { rows: [red], xmax: 60 });
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
    expect(await warehouse.ask('select sale_id, note from fact_sale')).toEqual([
      { sale_id: '1', note: 'first' },
    ]);
    await warehouse.end();
  });

  it('gets the column of deletes in its star tables and in those of waiting rows', async () => {
    await ask('alter table dim_colour drop _deleted_by; alter table fact_sale drop _deleted_by');
    const warehouse = await open();
    await warehouse.putAndLoad('dim_shape', { rows: [round], xmax: 60 });
    const census = { seconds: 0, previous: 'a run' };
    await warehouse.putAndLoad('fact_sale', { rows: [{ sale_id: '2' }], xmax: 70, census });
    await warehouse.putAndLoad('dim_colour', { rows: [{ colour_id: '1' }], xmax: 70, census });
    expect(
      await warehouse.ask(`
        select 'fact' as of, _deleted_by is not null as deleted from fact_sale
        union all select 'colour', _deleted_by is not null from dim_colour order by 1`),
    ).toEqual([
      { of: 'colour', deleted: 'f' },
      { of: 'fact', deleted: 't' },
    ]);
    await warehouse.end();
  });

  it('whose tables are another role’s is loaded without marks until the owner adds the column', async () => {
    await ask('alter table dim_colour drop _deleted_by');
    const warehouse = await open();
    await warehouse.ask(`
      alter table dim_colour drop _deleted_by cascade;
      create role loading login; grant all on all tables in schema public to loading;
      grant all on schema starlift to loading;
      do $$ declare t regclass; begin
        for t in select oid from pg_class where relnamespace = 'starlift'::regnamespace and relkind = 'r'
        loop execute format('alter table %s owner to loading', t); end loop; end $$;
      grant all on all sequences in schema starlift, public to loading`);
    await warehouse.end();
    const loaded = await WarehouseUnderTest.make(asRole(url, 'loading'), smallModel);
    const census = { seconds: 0, previous: 'a run' };
    await loaded.putAndLoad('dim_colour', { rows: [{ ...red, name: 'scarlet' }], xmax: 60 });
    expect(await loaded.putAndLoad('dim_colour', { rows: [], xmax: 70, census })).toMatchObject({
      outcome: 'loaded',
      census: { state: 'unmarked', marked: 0 },
    });
    await loaded.putAndLoad('dim_colour', { rows: [red], xmax: 65 });
    expect(await loaded.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
    await loaded.end();
  });

  it('keeps its ledger, and new entries have ids above all that there were', async () => {
    const warehouse = await open();
    await warehouse.putAndLoad('fact_sale', { rows: [sale()], xmax: 60 });
    const entries = await warehouse.ask(`
      select object_id::text as id, (entered_at at time zone 'UTC')::text as entered from starlift.object order by object_id`);
    expect(entries.slice(0, 2)).toEqual([
      { id: '1', entered: '2026-01-02 03:04:05.678901' },
      { id: '2', entered: '2026-01-02 03:04:06' },
    ]);
    expect(Number(entries[2]?.id) / 1e9).toBeCloseTo(Date.now() / 1000, -2);
    expect(await warehouse.ask('select count(*) from starlift.resync')).toEqual([{ count: '0' }]);
    await warehouse.end();
  });

  it('has censuses of whole tables alone, which go on to decide', async () => {
    const key = { colour_id: '1' };
    const census = { seconds: 0, previous: 'a run' };
    const before = await open();
    await before.putAndLoad('dim_colour', { rows: [key], xmax: 60, slice: 9, census });
    await before.ask(`
      alter table starlift.census drop lower_bound, drop upper_bound; drop table starlift.deletion;
      delete from starlift.migration where number = 6`);
    await before.end();
    const warehouse = await open();
    expect(await warehouse.putAndLoad('dim_colour', { rows: [], xmax: 55, slice: 9, census })).toMatchObject({
      census: { state: 'covered' },
    });
    await warehouse.putAndLoad('dim_colour', { rows: [], xmax: 70, slice: 9, census });
    expect(await warehouse.ask('select name, _deleted_by is not null as gone from dim_colour')).toEqual([
      { name: 'crimson', gone: 't' },
    ]);
    expect(await warehouse.ask('select rows from starlift.deletion')).toEqual([{ rows: '1' }]);
    await warehouse.end();
  });

  it('is migrated once, however many loads begin at the same time', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    await (await open()).end();
    expect(await opened[0]?.ask('select number from starlift.migration order by number')).toEqual([
      { number: '1' },
      { number: '2' },
      { number: '3' },
      { number: '4' },
      { number: '5' },
      { number: '6' },
    ]);
    for (const warehouse of opened) await warehouse.end();
  });

  it('is migrated again without harm where the list of its migrations was lost', async () => {
    const warehouse = await open();
    await warehouse.ask('drop table starlift.migration');
    await (await open()).end();
    expect(await warehouse.ask('select number from starlift.migration order by number')).toEqual([
      { number: '1' },
      { number: '2' },
      { number: '3' },
      { number: '4' },
      { number: '5' },
      { number: '6' },
    ]);
    await warehouse.end();
  });

  it('is refused by a version that is older than the one that made it', async () => {
    const warehouse = await open();
    await warehouse.ask('insert into starlift.migration (number) values (1000)');
    await expect(open()).rejects.toMatchObject({
      ...{ name: 'RefusedError', by: 'warehouse' },
      message: expect.stringMatching(
        /^the warehouse's schema starlift is at migration 1000, .* update Starlift$/,
      ),
    });
    await warehouse.end();
  });
});
