import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { warehouseLocks } from '../../../shared/ledger/schema/ledger-schema.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { blue, red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { untilLoadsWait } from '../../helpers/small-warehouse/until-loads-wait.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('loads that meet', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  /** Another load, slow enough to be stopped anywhere: its statements, by hand. */
  let other: pg.Client;
  let databases = 0;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const url = await server.createDatabase(`w${databases++}`);
    warehouse = await WarehouseUnderTest.make(url, smallModel);
    other = new pg.Client({ connectionString: url });
    await other.connect();
  });
  afterEach(async () => {
    await other.end();
    await warehouse.end();
  });

  const sales = () => warehouse.ask('select sale_id, note from fact_sale order by sale_id');
  const parked = () => warehouse.ask('select sale_id, note from starlift.parked_fact_sale order by sale_id');
  const dimensionsLock = `${warehouseLocks.dimensions[0]}, ${warehouseLocks.dimensions[1]}`;

  const untilWaiting = (count: number, lock?: string) => untilLoadsWait(warehouse, count, lock);

  const enterOther = (key: string, xmax: number) =>
    other.query<{ object_id: string }>(
      `insert into starlift.object
         (key, warehouse_table, run, slice, rows, quarantined, generation, snapshot_xmax, snapshot_xmin, tie, revision)
       values ($1, 'any', 'run', '0000', 1, 0, 1, $2, 1, 0, 0) returning object_id`,
      [key, xmax],
    );

  it('a fact whose two missing dimensions arrive together is released, once', async () => {
    await warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    expect(await parked()).toHaveLength(1);
    await other.query(`begin; select pg_advisory_xact_lock_shared(${dimensionsLock})`);
    const both = [
      warehouse.putAndLoad('dim_colour', { rows: [red] }),
      warehouse.putAndLoad('dim_shape', { rows: [round] }),
    ];
    // Now each has put its row, which the other cannot see.
    await untilWaiting(2, 'advisory');
    await other.query('commit');
    const released = (await Promise.all(both)).map((result) => result.released);
    expect(released.toSorted()).toEqual([0, 1]);
    expect(await sales()).toEqual([{ sale_id: '1', note: 'first' }]);
    expect(await parked()).toEqual([]);
  });

  it('a dimension that lands between a fact’s look and its parking is seen', async () => {
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await other.query(`begin; select pg_advisory_xact_lock(${dimensionsLock})`);
    const fact = warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    await untilWaiting(1, 'advisory');
    await other.query(`insert into dim_colour (colour_id, name, _object_id) values (1, 'red', 0); commit`);
    expect(await fact).toMatchObject({ waiting: 0 });
    expect(await sales()).toEqual([{ sale_id: '1', note: 'first' }]);
  });

  it('a dimension waits for a fact that is about to park, and releases it', async () => {
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await other.query(`begin; select pg_advisory_xact_lock_shared(${dimensionsLock})`);
    const entered = await enterOther('slow', 50);
    const dimension = warehouse.putAndLoad('dim_colour', { rows: [red] });
    await untilWaiting(1, 'advisory');
    await other.query(
      `insert into starlift.parked_fact_sale values (1, '2024-02-29', '23:59:59.999999', 1, 7, 'slow', $1)`,
      [entered.rows[0]?.object_id],
    );
    await other.query('commit');
    expect(await dimension).toMatchObject({ released: 1 });
    expect(await sales()).toEqual([{ sale_id: '1', note: 'slow' }]);
  });

  it('the newer of two rows wins although its load met the older before it was committed', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red], xmax: 10 });
    await other.query('begin');
    const entered = await enterOther('slow', 50);
    await other.query(`insert into dim_colour values (2, 'azure', $1)`, [entered.rows[0]?.object_id]);
    // Its first key is there, so it goes by way of the staging table and meets the second there.
    const newer = warehouse.putAndLoad('dim_colour', { rows: [red, blue], xmax: 200 });
    await untilWaiting(1, 'transactionid');
    await other.query('commit');
    await newer;
    expect(await warehouse.ask('select name from dim_colour where colour_id = 2')).toEqual([
      { name: 'blue' },
    ]);
  });

  it('the older of two rows loses although its load met the newer before it was committed', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red], xmax: 10 });
    await other.query('begin');
    const entered = await enterOther('slow', 500);
    await other.query(`insert into dim_colour values (2, 'azure', $1)`, [entered.rows[0]?.object_id]);
    const older = warehouse.putAndLoad('dim_colour', { rows: [red, blue], xmax: 200 });
    await untilWaiting(1, 'transactionid');
    await other.query('commit');
    await older;
    expect(await warehouse.ask('select name from dim_colour where colour_id = 2')).toEqual([
      { name: 'azure' },
    ]);
  });

  it('of two loads of one object the second waits, and finds it done', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    const outcomes = await Promise.all([warehouse.load(key), warehouse.load(key), warehouse.load(key)]);
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual([
      'already loaded',
      'already loaded',
      'loaded',
    ]);
    expect(await warehouse.ask('select count(*) from dim_colour')).toEqual([{ count: '1' }]);
  });

  it('a load whose predecessor gave up takes its place', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    const name = [...warehouse.bucket.objects.keys()].find((each) => each.startsWith('dim_colour')) ?? '';
    await other.query('begin');
    await enterOther(name, 1);
    const load = warehouse.load(key);
    await untilWaiting(1);
    await other.query('rollback');
    expect(await load).toMatchObject({ outcome: 'loaded' });
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
  });

  it('the warehouse is made once although many want it made', async () => {
    const url = await server.createDatabase(`many${databases}`);
    const many = await Promise.all(Array.from({ length: 6 }, () => WarehouseUnderTest.make(url, smallModel)));
    expect(await many[0]?.ask('select count(*) from fact_sale')).toEqual([{ count: '0' }]);
    await Promise.all(many.map((each) => each.end()));
  });
});
