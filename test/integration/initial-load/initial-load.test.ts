import { describe, expect, it } from '@jest/globals';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import { allKeys, type InitialLoad, initialLoadInEachTest } from './initial-load-under-test.ts';

describe('the keys of a fact', () => {
  let initial: InitialLoad;
  initialLoadInEachTest((made) => {
    initial = made;
  });

  it('are built when the last slice is in', async () => {
    initial.plan(['0000', '0001']);
    await initial.load('0001', [sale()]);
    expect(await initial.keys()).toEqual([]);
    await initial.load('0000', [sale({ sale_id: '2' })]);
    expect(await initial.keys()).toEqual(allKeys);
    expect(await initial.sales()).toEqual([
      { sale_id: '1', note: 'first' },
      { sale_id: '2', note: 'first' },
    ]);
    expect(await initial.warehouse.ask('select * from starlift.initial_load')).toEqual([]);
  });

  it('are built with the second half of a slice that was cut', async () => {
    initial.plan(['0000']);
    await initial.load('0000.1', [sale()]);
    expect(await initial.keys()).toEqual([]);
    await initial.load('0000.0', []);
    expect(await initial.keys()).toEqual(allKeys);
  });

  it.each([
    ['of another run', { run: runOf(200) }],
    ['that is no part of the plan', {}],
  ])('are built before an object %s is loaded', async (_, facts) => {
    initial.plan(['0000', '0001']);
    if ('run' in facts) await initial.load('0000', [sale()], { xmax: 10 });
    else initial.warehouse.runs.clear();
    await initial.load('0000', [sale({ note: 'newer' })], { ...facts, xmax: 20 });
    expect(await initial.keys()).toEqual(allKeys);
    expect(await initial.sales()).toEqual([{ sale_id: '1', note: 'newer' }]);
    initial.plan(['0000', '0001']);
    await initial.load('0001', [sale({ note: 'older' })], { xmax: 5 });
    expect(await initial.sales()).toEqual([{ sale_id: '1', note: 'newer' }]);
  });

  it('are built before a replay', async () => {
    initial.plan(['0000', '0001']);
    const key = await initial.put('0000', [sale()]);
    await initial.warehouse.load(key);
    await initial.warehouse.load(key, { replay: 'again' });
    expect(await initial.keys()).toEqual(allKeys);
    expect(await initial.sales()).toHaveLength(1);
  });

  it.each([
    ['takes what is new of the table', { full: false }],
    ['takes another table', { table: 'other' }],
  ])('are there from the first row on with a run that %s', async (_, how) => {
    initial.plan(['0000', '0001'], how);
    await initial.load('0000', [sale()]);
    expect(await initial.keys()).toEqual(allKeys);
  });

  it('are built at the next delivery where that failed', async () => {
    initial.plan(['0000']);
    const key = await initial.put('0000', [sale()]);
    const { readRun } = initial.warehouse;
    let reads = 0;
    initial.warehouse.readRun = (id) => {
      if (++reads > 1) throw new Error('the bucket is gone');
      return readRun(id);
    };
    await expect(initial.warehouse.load(key)).rejects.toThrow('the bucket is gone');
    expect([await initial.keys(), await initial.sales()]).toEqual([[], [{ sale_id: '1', note: 'first' }]]);
    initial.warehouse.readRun = readRun;
    expect(await initial.warehouse.load(key)).toMatchObject({ outcome: 'already loaded' });
    expect([await initial.keys(), await initial.sales()]).toEqual([
      allKeys,
      [{ sale_id: '1', note: 'first' }],
    ]);
  });

  it('are left alone where the owner has made one already', async () => {
    initial.plan(['0000', '0001']);
    await initial.load('0000', [sale()]);
    await initial.warehouse.ask('alter table fact_sale add primary key (sale_record_id)');
    await initial.load('0001', [sale({ sale_id: '2' })]);
    expect(await initial.keys()).toEqual(allKeys);
  });

  it.each([
    ['one index was built and the load died', 0],
    ["a small table's index was built and the load died", Number.POSITIVE_INFINITY],
  ])('are whole where %s', async (_, minSharedBytes) => {
    Object.assign(initial.warehouse, { minSharedBytes });
    initial.plan(['0000', '0001']);
    await initial.load('0000', [sale()]);
    await initial.warehouse.ask(`do $$ begin
      execute format('create unique index starlift_%s_pkey on fact_sale (sale_record_id)', 'fact_sale'::regclass::oid);
      end $$`);
    await initial.load('0001', [sale({ sale_id: '2' })]);
    expect(await initial.keys()).toEqual(allKeys);
  });

  it('are built on one connection where there is no other', async () => {
    initial.plan(['0000']);
    const { database } = initial.warehouse;
    let lent = 0;
    let most = 0;
    initial.warehouse.database = {
      ...database,
      withClient: (work) => {
        if (lent > 0) return Promise.reject(new Error('too many connections'));
        lent++;
        most = Math.max(most, lent);
        return database.withClient(work).finally(() => lent--);
      },
    };
    await initial.load('0000', [sale()]);
    initial.warehouse.database = database;
    expect([await initial.keys(), most]).toEqual([allKeys, 1]);
  });

  it('do not wait for the last slice where there are many rows', async () => {
    initial.warehouse.maxKeylessRows = 3;
    initial.plan(['0000', '0001', '0002']);
    await initial.load('0000', [sale(), sale({ sale_id: '2' })]);
    expect(await initial.keys()).toEqual([]);
    await initial.load('0001', [sale({ sale_id: '3' })]);
    expect(await initial.keys()).toEqual(allKeys);
    await initial.load('0002', [sale({ sale_id: '4' })]);
    expect(await initial.sales()).toHaveLength(4);
  });

  it('may be missing in an initial load, and at no other time', async () => {
    const again = () => WarehouseUnderTest.make(initial.url, smallModel, { deferKeys: true });
    await (await again()).end();
    await initial.warehouse.ask(`delete from starlift.initial_load where warehouse_table = 'fact_sale'`);
    await expect(again()).rejects.toThrow(/fact_sale is not the model's: it has no unique index/);
  });

  it('are to come again for a fact that was dropped and is rebuilt', async () => {
    initial.plan(['0000']);
    await initial.load('0000', [sale()]);
    await initial.warehouse.ask('drop table fact_sale cascade');
    const options = { deferKeys: true, remade: ['fact_sale'] };
    await (await WarehouseUnderTest.make(initial.url, smallModel, options)).end();
    expect([
      await initial.keys(),
      await initial.warehouse.ask('select * from starlift.initial_load'),
    ]).toEqual([[], [{ warehouse_table: 'fact_sale', run: null }]]);
  });
});
