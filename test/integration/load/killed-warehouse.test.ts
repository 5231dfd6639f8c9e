import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Binding, bindFolder } from '../../../cli/embedded/bind.ts';
import type { DataFolder } from '../../../cli/embedded/machine/data-folder.ts';
import { dropWaiting } from '../../../cli/waiting/drop-waiting.ts';
import { insertDates } from '../../../shared/warehouse/insert-dates.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallCalendar, smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { blue, red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

// Commits are answered before they are durable, and the WAL writer sleeps for longer than a test takes.
const settings = {
  synchronous_commit: 'off',
  wal_writer_delay: '10s',
  wal_writer_flush_after: '1GB',
  autovacuum: 'off',
  bgwriter_lru_maxpages: '0',
};

const run = runOf(100);
const countSales = 'select count(*) as sales from fact_sale';
const ledgerQuery = 'select warehouse_table, count(*) as objects from starlift.object group by 1 order by 1';
const keysQuery = `
  select count(*) as keys from pg_constraint
  where conrelid = 'fact_sale'::regclass and contype in ('p', 'u')`;

describe('a warehouse with synchronous_commit off that is killed right after the answer', () => {
  let server: PostgresServer;
  let url: string;
  let warehouse: WarehouseUnderTest;

  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    url = await server.createDatabase(`warehouse_${randomUUID()}`);
    warehouse = await WarehouseUnderTest.make(url, smallModel);
  });
  afterEach(() => warehouse.end());

  /** Work that was done before cannot be lost. */
  const settle = () => warehouse.ask('checkpoint');

  const crash = async () => {
    await server.kill('SIGKILL');
    await server.restart();
  };

  const withClient = async (work: (client: pg.Client) => Promise<unknown>) => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    await work(client);
    return client;
  };

  it('loses rows that an ordinary commit has answered: the kill is one that takes back', async () => {
    await warehouse.ask('create table probe (id int)');
    await settle();
    await warehouse.ask('insert into probe values (1)');
    await crash();
    expect(await warehouse.ask('select id from probe')).toEqual([]);
  });

  it('has a dimension that was loaded, and the facts that it released', async () => {
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    await settle();
    const result = await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await crash();
    expect(result).toMatchObject({ outcome: 'loaded', released: 1 });
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
    expect(await warehouse.ask(countSales)).toEqual([{ sales: '1' }]);
    expect(await warehouse.ask('select sale_id from starlift.parked_fact_sale')).toEqual([]);
    expect(await warehouse.ask(ledgerQuery)).toEqual([
      { warehouse_table: 'dim_colour', objects: '1' },
      { warehouse_table: 'dim_shape', objects: '1' },
      { warehouse_table: 'fact_sale', objects: '1' },
    ]);
  });

  it('has a fact that was loaded, its dates and its rows that wait', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await settle();
    const waiting = sale({ sale_id: '2', colour_id: blue.colour_id });
    await warehouse.putAndLoad('fact_sale', { rows: [sale(), waiting] });
    await crash();
    expect(await warehouse.ask(countSales)).toEqual([{ sales: '1' }]);
    expect(await warehouse.ask('select date_id from dim_date')).toEqual([{ date_id: '2024-02-29' }]);
    expect(await warehouse.ask('select sale_id from starlift.parked_fact_sale')).toEqual([{ sale_id: '2' }]);
    expect(await warehouse.ask(`${ledgerQuery} desc limit 1`)).toEqual([
      { warehouse_table: 'fact_sale', objects: '1' },
    ]);
  });

  it('has what a replay has put right', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await warehouse.load(key);
    await warehouse.ask('delete from dim_colour');
    await settle();
    await warehouse.load(key, { replay: 'again' });
    await crash();
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
  });

  it('has the keys that end an initial load', async () => {
    const fresh = await WarehouseUnderTest.make(
      await server.createDatabase(`initial_${randomUUID()}`),
      smallModel,
      { deferKeys: true },
    );
    try {
      await fresh.putAndLoad('dim_colour', { rows: [red], xmax: 1 });
      await fresh.putAndLoad('dim_shape', { rows: [round], xmax: 1 });
      fresh.runs.set(run, {
        slices: [{ slice: '0000', table: 'sale', full: true }],
      });
      await fresh.ask('checkpoint');
      await fresh.putAndLoad('fact_sale', { rows: [sale()], run });
      await crash();
      expect(await fresh.ask(countSales)).toEqual([{ sales: '1' }]);
      expect(await fresh.ask('select warehouse_table from starlift.initial_load')).toEqual([]);
      expect(await fresh.ask(keysQuery)).toEqual([{ keys: '2' }]);
    } finally {
      await fresh.end();
    }
  });

  it('has the days of the calendar that were inserted', async () => {
    await settle();
    await withClient((client) => insertDates(client, { schema: 'public', calendar: smallCalendar }, [0, 1]));
    await crash();
    expect(await warehouse.ask('select date_id from dim_date order by 1')).toEqual([
      { date_id: '1970-01-01' },
      { date_id: '1970-01-02' },
    ]);
  });

  it('is bound to the folder that says so', async () => {
    const files = new Map<string, unknown>();
    const folder = {
      path: '/data',
      readJson: (name: string) => files.get(name),
      writeJson: (name: string, value: unknown) => void files.set(name, value),
    } as unknown as DataFolder;
    const binding: Binding = { warehouseId: randomUUID(), sourceId: 'shop', isConfirmed: false, own: [] };
    await settle();
    await withClient((client) => bindFolder(folder, binding, client));
    await crash();
    expect(files.get('binding.json')).toMatchObject({ isConfirmed: true });
    expect(await warehouse.ask('select warehouse_id from starlift.binding')).toEqual([
      { warehouse_id: binding.warehouseId },
    ]);
  });

  it('has no row that was dropped while it waited', async () => {
    await warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    await settle();
    const site = { warehouseSchema: 'public', connectWarehouse: () => withClient(async () => {}) };
    const facts = smallModel.tables.filter((table) => table.kind === 'fact');
    const dropped = await dropWaiting(site, smallModel, { facts });
    await crash();
    expect(dropped).toEqual([{ table: 'fact_sale', rows: 1, refused: 0 }]);
    expect(await warehouse.ask('select sale_id from starlift.parked_fact_sale')).toEqual([]);
  });
});
