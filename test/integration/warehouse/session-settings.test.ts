import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { bindFolder } from '../../../cli/embedded/bind.ts';
import type { DataFolder } from '../../../cli/embedded/machine/data-folder.ts';
import type { Pipeline } from '../../../cli/run/pipeline.ts';
import { fillCalendarYears } from '../../../cli/run/report/fill-calendar.ts';
import { printNextSteps } from '../../../cli/run/report/next-steps.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { fillSampleShop } from '../../../models/totesys/sample/fill.ts';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type KeptDatabase, leftBehind, makeKeptDatabase } from '../../helpers/postgres/left-settings.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const nothing = { settings: {}, held: [] };
const silent = makeTerminal(new PassThrough().resume(), new PassThrough().resume(), false);

let server: PostgresServer;
beforeAll(async () => {
  server = await startTemporaryPostgres({ settings: { synchronous_commit: 'off' } });
});
afterAll(() => server.stop());

const newDatabase = () => server.createDatabase(`w${randomUUID()}`);

describe('a connection that was lent to the loads', () => {
  let warehouse: WarehouseUnderTest;
  let database: KeptDatabase;

  const open = async (options: { deferKeys: boolean }) => {
    const url = await newDatabase();
    warehouse = await WarehouseUnderTest.make(url, smallModel, options);
    await warehouse.end();
    database = makeKeptDatabase(url);
    warehouse.database = database;
  };
  afterEach(() => database.end());

  const expectNothingLeft = async () => {
    const left = await database.leftBehind();
    expect(left.length).toBeGreaterThan(0);
    for (const { settings, held } of left) expect({ settings, held }).toEqual(nothing);
  };

  it('keeps no setting, no lock and no table of theirs', async () => {
    await open({ deferKeys: false });
    await warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    const key = await warehouse.put('fact_sale', { rows: [sale()], xmax: 200 });
    await warehouse.load(key);
    await warehouse.load(key, { replay: 'again' });
    expect(await warehouse.ask('select count(*) as sales from fact_sale')).toEqual([{ sales: '1' }]);
    await expectNothingLeft();
  });

  it('keeps nothing of a load that fails, and nothing of a release that is refused', async () => {
    await open({ deferKeys: false });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: null })] });
    await warehouse.ask(`alter table fact_sale add constraint none check (note <> 'first')`);
    const { releases } = await warehouse.putAndLoad('dim_colour', { rows: [red] });
    expect(releases).toEqual([expect.objectContaining({ table: 'fact_sale', rows: 0 })]);
    await expect(
      warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: null })], xmax: 200 }),
    ).rejects.toThrow('violates check constraint');
    await expectNothingLeft();
  });

  it('keeps nothing of the building of keys, on either connection', async () => {
    await open({ deferKeys: true });
    const run = runOf(100);
    warehouse.runs.set(run, {
      slices: [{ slice: '0000', table: 'sale', full: true }],
    });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ colour_id: '1' })], run });
    expect(await warehouse.ask('select warehouse_table from starlift.initial_load')).toEqual([]);
    expect(await database.leftBehind()).toHaveLength(2);
    await expectNothingLeft();
  });
});

describe('the connections of the command line', () => {
  let source: pg.Client;
  let warehouse: pg.Client;

  beforeEach(async () => {
    [source, warehouse] = (await Promise.all(
      [0, 1].map(async () => {
        const client = new pg.Client({ connectionString: await newDatabase() });
        await client.connect();
        return client;
      }),
    )) as [pg.Client, pg.Client];
  });
  afterEach(() => Promise.all([source.end(), warehouse.end()]));

  const expectNothingLeft = async () => {
    for (const client of [source, warehouse]) expect(await leftBehind(client)).toMatchObject(nothing);
  };
  const ensure = () => ensureWarehouse(warehouse, totesys, { schema: 'public', foreignKeys: 'declared' });

  it('keep nothing of the sample shop, the tables, the calendar, the binding and a verify', async () => {
    await fillSampleShop(source, { orders: 20 });
    await ensure();
    await warehouse.query(
      `insert into dim_date values ('2024-02-29', 2024, 2, 29, 4, 'Thursday', 'February', 1)`,
    );
    await fillCalendarYears(warehouse, { model: totesys, warehouseSchema: 'public' });
    const folder = { path: '/data', readJson: () => undefined, writeJson: () => {} } as unknown as DataFolder;
    const binding = { warehouseId: randomUUID(), sourceId: 'shop', isConfirmed: false, own: [] };
    await bindFolder(folder, binding, warehouse);
    const { ok } = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys });
    expect(ok).toBe(false);
    await expectNothingLeft();
  });

  it('keep nothing of a verify that cannot read a table', async () => {
    await expect(
      verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys }),
    ).rejects.toThrow('none of the tables');
    await expectNothingLeft();
  });

  it('keep nothing of the example that a run ends with, also where it cannot be asked', async () => {
    const stack = { named: {}, warehouseUrl: 'postgres://w@localhost/w', folder: { path: '/data' } };
    const pipeline = { warehouse, warehouseSchema: 'public', stack, model: totesys } as unknown as Pipeline;
    await printNextSteps(pipeline, '.starlift', silent);
    await expectNothingLeft();
    await ensure();
    await warehouse.query('alter view dim_date_current rename column year to since');
    await expect(printNextSteps(pipeline, '.starlift', silent)).rejects.toThrow('year');
    await expectNothingLeft();
    await warehouse.query('alter view dim_date_current rename column since to year');
    await printNextSteps(pipeline, '.starlift', silent);
    await expectNothingLeft();
  });
});

describe('a role with a transaction_timeout', () => {
  it('has its loads go on for longer than that', async () => {
    const url = await newDatabase();
    const warehouse = await WarehouseUnderTest.make(url, smallModel);
    const dimensions = new pg.Client({ connectionString: url });
    await dimensions.connect();
    try {
      await warehouse.ask(`alter role postgres set transaction_timeout = '300ms'`);
      await warehouse.end();
      warehouse.database = makeKeptDatabase(url);
      // 'star', 2: what a fact's load waits for where a dimension's is at work.
      await dimensions.query('begin; select pg_advisory_xact_lock(1937006962, 2)');
      const loading = warehouse.putAndLoad('dim_colour', { rows: [red] });
      await expect(dimensions.query('select pg_sleep(1)')).resolves.toBeDefined();
      await dimensions.query('commit');
      expect(await loading).toMatchObject({ outcome: 'loaded' });
    } finally {
      await warehouse.ask('alter role postgres reset transaction_timeout');
      await Promise.all([warehouse.end(), dimensions.end()]);
    }
  });

  it('is tried again for as long as it takes where the time was over all the same', async () => {
    const client = new pg.Client({ connectionString: await newDatabase() });
    client.on('error', () => {});
    await client.connect();
    const error = await inTransaction(client, () =>
      client.query(`set local transaction_timeout = '100ms'; select pg_sleep(5)`),
    ).catch((e: unknown) => e);
    await client.end();
    expect(error).toMatchObject({ code: '25P04' });
    expect(toPipelineError(error)).toMatchObject({ name: 'RefusedError', by: 'database' });
  });
});
