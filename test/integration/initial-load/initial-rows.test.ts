import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { sale } from '../../helpers/small-warehouse/small-rows.ts';
import { untilLoadsWait } from '../../helpers/small-warehouse/until-loads-wait.ts';
import { allKeys, type InitialLoad, initialLoadInEachTest } from './initial-load-under-test.ts';

describe('an initial load', () => {
  let initial: InitialLoad;
  initialLoadInEachTest((made) => {
    initial = made;
  });

  it('keeps of a row that several slices have the newest', async () => {
    initial.plan(['0000', '0001', '0002', '0003']);
    await initial.load('0002', [sale({ note: 'newest' })], { xmax: 30 });
    await initial.load('0000', [sale({ note: 'older' }), sale({ sale_id: '2' })], { xmax: 10 });
    await initial.load('0001', [sale({ note: 'newest' })], { xmax: 30 });
    expect(await initial.sales()).toHaveLength(4);
    await initial.load('0003', [sale({ note: 'old' })], { xmax: 20 });
    expect(await initial.sales()).toEqual([
      { sale_id: '1', note: 'newest' },
      { sale_id: '2', note: 'first' },
    ]);
  });

  it('takes of an object a row that it has twice once, and none of one with two versions of a row', async () => {
    initial.plan(['0000', '0001']);
    await initial.load('0000', [sale(), sale()]);
    expect(await initial.sales()).toHaveLength(1);
    const second = sale({ sale_id: '2' });
    await expect(initial.load('0001', [second, { ...second, note: 'other' }])).rejects.toThrow(
      /two rows of one/,
    );
    expect([await initial.keys(), await initial.sales()]).toEqual([[], [{ sale_id: '1', note: 'first' }]]);
  });

  describe('finds two rows of one object with one key when the keys are built', () => {
    const insertDouble = (note: string) =>
      initial.warehouse.ask(
        `insert into fact_sale (sale_id, last_updated_date, last_updated_time, colour_id, shape_id, note, _object_id)
         select sale_id, last_updated_date, last_updated_time, colour_id, shape_id, $1, _object_id from fact_sale`,
        [note],
      );

    it('and builds none while they differ, whichever of them is the first', async () => {
      initial.plan(['0000', '0001']);
      await initial.load('0000', [sale()]);
      await insertDouble('other');
      const last = await initial.put('0001', [sale({ sale_id: '2' })]);
      await expect(initial.warehouse.load(last)).rejects.toMatchObject({
        name: 'TerminalError',
        table: 'fact_sale',
        message: expect.stringMatching(/fact_sale.*sale_id.*\(1, 2024-02-29, 23:59:59\.999999\)/),
      });
      expect([await initial.keys(), (await initial.sales()).length]).toEqual([[], 3]);
      await initial.warehouse.ask("delete from fact_sale where note = 'other'");
      expect(await initial.warehouse.load(last)).toMatchObject({ outcome: 'already loaded' });
      expect([await initial.keys(), (await initial.sales()).length]).toEqual([allKeys, 2]);
    });

    it('and keeps one of them where they are equal', async () => {
      initial.plan(['0000', '0001']);
      await initial.load('0000', [sale()]);
      await insertDouble('first');
      await initial.load('0001', [sale({ sale_id: '2' })]);
      expect([await initial.keys(), (await initial.sales()).length]).toEqual([allKeys, 2]);
    });
  });

  it('has several versions of one key from one object', async () => {
    initial.plan(['0000']);
    await initial.load('0000', [sale(), sale({ last_updated_time: '00:00:00', note: 'before' })]);
    expect([await initial.keys(), (await initial.sales()).length]).toEqual([allKeys, 2]);
  });

  it('parks and releases as ever', async () => {
    initial.plan(['0000', '0001']);
    await initial.load('0000', [sale({ colour_id: '2' }), sale({ sale_id: '2' })]);
    expect(await initial.sales()).toEqual([{ sale_id: '2', note: 'first' }]);
    await initial.warehouse.putAndLoad('dim_colour', { rows: [{ colour_id: '2', name: 'blue' }], xmax: 2 });
    expect([await initial.keys(), (await initial.sales()).length]).toEqual([[], 2]);
    await initial.load('0001', [sale({ sale_id: '3' })]);
    expect([await initial.keys(), (await initial.sales()).length]).toEqual([allKeys, 3]);
    expect(await initial.warehouse.ask('select * from starlift.parked_fact_sale')).toEqual([]);
  });

  describe('and other sessions', () => {
    let other: pg.Client;
    beforeEach(async () => {
      other = new pg.Client({ connectionString: initial.url });
      await other.connect();
    });
    afterEach(() => other.end());

    const untilWaiting = (count: number) => untilLoadsWait(initial.warehouse, count, 'relation');
    const newer = () => initial.load('0000', [sale({ note: 'newer' })], { run: runOf(200), xmax: 200 });

    it('waits with the keys for rows that are on their way, and keeps them', async () => {
      initial.plan(['0000', '0001']);
      await initial.load('0000', [sale({ sale_id: '2' })], { xmax: 10 });
      await other.query(`begin; insert into fact_sale
          (sale_id, last_updated_date, last_updated_time, colour_id, shape_id, note, _object_id)
        select 1, '2024-02-29', '23:59:59.999999', 1, 7, 'slow', object_id from starlift.object
        where warehouse_table = 'fact_sale'`);
      const load = newer();
      await untilWaiting(1);
      await other.query('commit');
      await load;
      expect(await initial.keys()).toEqual(allKeys);
      expect(await initial.sales()).toEqual([
        { sale_id: '1', note: 'newer' },
        { sale_id: '2', note: 'first' },
      ]);
    });

    it('has no keys built between a load’s look at them and its rows', async () => {
      initial.plan(['0000', '0001']);
      await other.query('begin; lock table starlift.parked_fact_sale');
      const waiting = sale({ sale_id: '2', colour_id: '2' });
      const older = initial.load('0000', [sale(), waiting], { xmax: 10 });
      await untilWaiting(1);
      const load = newer();
      await untilWaiting(2);
      await other.query('commit');
      expect([await older, await load]).toMatchObject([{ waiting: 1 }, { outcome: 'loaded' }]);
      expect(await initial.keys()).toEqual(allKeys);
      expect(await initial.sales()).toEqual([{ sale_id: '1', note: 'newer' }]);
    });

    it('lets no row in while doubles are dropped, and readers read on', async () => {
      initial.plan(['0000', '0001', '0002']);
      await initial.load('0000', [sale()], { xmax: 10 });
      await initial.load('0001', [sale({ note: 'second' })], { xmax: 20 });
      // The keys wait for a load, find the doubles, and wait again for the ledger, which says which one is newer.
      await other.query('begin; lock table fact_sale in row exclusive mode');
      const load = newer();
      await untilWaiting(1);
      const third = new pg.Client({ connectionString: initial.url });
      await third.connect();
      try {
        await third.query('begin; lock table starlift.object');
        await other.query('commit');
        await untilLoadsWait(initial.warehouse, 1, 'relation', 'delete from%using%');
        await expect(
          other.query('begin; lock table fact_sale in row exclusive mode nowait'),
        ).rejects.toMatchObject({ code: '55P03' });
        await other.query('rollback');
        expect((await other.query('select from fact_sale')).rowCount).toBe(2);
        await third.query('commit');
      } finally {
        await third.end();
      }
      await load;
      expect(await initial.sales()).toEqual([{ sale_id: '1', note: 'newer' }]);
    });
  });
});
