import { describe, expect, it } from '@jest/globals';
import { sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import { allKeys, type InitialLoad, initialLoadInEachTest } from './initial-load-under-test.ts';

// `create publication … for all tables` makes Postgres refuse updates and deletes of any table without a replica identity.
describe('a warehouse that publishes all tables', () => {
  let initial: InitialLoad;
  initialLoadInEachTest((made) => {
    initial = made;
  });
  const publish = () => initial.warehouse.ask('create publication everything for all tables');

  it('parks a row, parks it again in a newer version, and releases it', async () => {
    await publish();
    const { warehouse } = initial;
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ colour_id: '2' })], xmax: 10 });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ colour_id: '2', note: 'second' })], xmax: 20 });
    expect(await initial.sales()).toEqual([]);
    const blue = { colour_id: '2', name: 'blue' };
    expect(await warehouse.putAndLoad('dim_colour', { rows: [blue], xmax: 30 })).toMatchObject({
      released: 1,
    });
    expect(await initial.sales()).toEqual([{ sale_id: '1', note: 'second' }]);
  });

  it('takes an initial load in which two slices have one key', async () => {
    await publish();
    initial.plan(['0000', '0001']);
    await initial.load('0000', [sale()], { xmax: 10 });
    await initial.load('0001', [sale({ note: 'second' })], { xmax: 20 });
    expect([await initial.keys(), await initial.sales()]).toEqual([
      allKeys,
      [{ sale_id: '1', note: 'second' }],
    ]);
  });

  it('has a primary key on each of the tables that Starlift makes', async () => {
    initial.plan(['0000']);
    await initial.load('0000', [sale()]);
    const without = await initial.warehouse.ask(`
      select c.oid::regclass::text as "table" from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('public', 'starlift') and c.relkind = 'r'
         and not exists (select from pg_index where indrelid = c.oid and indisprimary)`);
    expect(without).toEqual([]);
  });
});

describe('a fact whose name another table had', () => {
  let initial: InitialLoad;
  initialLoadInEachTest((made) => {
    initial = made;
  });

  it('is rebuilt with keys of its own, while the old one keeps its indexes', async () => {
    initial.plan(['0000']);
    await initial.load('0000', [sale()]);
    await initial.warehouse.ask('alter table fact_sale rename to fact_sale_backup');
    const options = { deferKeys: true, remade: ['fact_sale'] };
    await (await WarehouseUnderTest.make(initial.url, initial.warehouse.model, options)).end();
    const key = await initial.put('0000', [sale()]);
    expect(await initial.warehouse.load(key, { replay: 'r1' })).toMatchObject({ outcome: 'loaded', rows: 1 });
    expect([await initial.keys(), await initial.sales()]).toEqual([
      allKeys,
      [{ sale_id: '1', note: 'first' }],
    ]);
  });
});
