import { beforeEach, expect, it } from '@jest/globals';
import type { PlanDeps } from '../../../../services/ingestion/plan/plan-run.ts';
import { describeWithOlderPostgres } from '../../../helpers/postgres/older-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { countRows } from '../ingested-rows.ts';
import { changedModel } from '../shop-model.ts';
import { quietOptions, reasons, runQuiet } from './quiet-plans.ts';

const resting = {
  model: changedModel,
  quiet: { ...quietOptions.quiet, restFactor: 1e9 },
} satisfies Partial<PlanDeps>;

// A release before 15 sends reports to a process, in messages that may be late or lost.
describeWithOlderPostgres('a table of a server whose counters cannot be relied on', (major, start) => {
  let bench: CaptureBench;
  benchInEachTest(
    () => start({ settings: { autovacuum: 'off', max_prepared_transactions: '4' } }),
    (made) => {
      bench = made;
    },
  );
  beforeEach(async () => {
    await bench.source.query(`
      insert into item select n, repeat('x', 700), 0 from generate_series(1, 400) n;
      create index on item (last_updated);
      insert into department values (1, 'Sales'), (2, 'Stock');
      insert into staff values (1, 'Ann', 1), (2, 'Bob', 2)`);
    await runQuiet(bench, { model: changedModel });
  });

  it('is looked at by each plan, so that what a session has not reported is found', async () => {
    const version = await bench.source.query('show server_version_num');
    expect(Math.trunc(Number(version.rows[0].server_version_num) / 10_000)).toBe(major);
    // The session goes on, and reports nothing of what it has committed.
    const [busy, holder] = [await bench.connect(), await bench.connect()];
    await holder.query('select pg_advisory_lock(7)');
    await busy.query(`begin; update item set note = 'two phases' where item_id = 5; prepare transaction 'x'`);
    const working = busy.query(`do $$ begin
      insert into item values (1001); commit; perform pg_advisory_lock(7); insert into item values (1002); end $$`);
    while ((await bench.source.query('select from item where item_id = 1001')).rowCount === 0);
    expect(reasons(await runQuiet(bench))).toEqual({
      item: 'no counters',
      department: 'no counters',
      staff: 'no counters',
    });
    await bench.expectExact('item', 'department', 'staff');
    await holder.query('select pg_advisory_unlock(7)');
    await working;
    await bench.source.query(`commit prepared 'x'`);
    await bench.source.query(`update department set department_name = 'Trade'`);
    await runQuiet(bench);
    await bench.expectExact('item', 'department', 'staff');
    expect((await runQuiet(bench)).slices).toEqual([]);
  });

  it('is looked at in ranges, or in whole where a range cannot be read alone', async () => {
    const large = { ...quietOptions, probeMaxBytes: 0, lookBytes: 4 * 8192, sliceBytes: 4 * 8192 };
    await bench.source.query(`update item set note = 'changed' where item_id in (3, 300)`);
    const { slices } = await bench.plan(large);
    const ofItems = slices.filter(({ table }) => table === 'item').length;
    if (major < 14) expect(ofItems).toBe(1);
    else expect(ofItems).toBeGreaterThan(5);
    await bench.extractAll();
    await bench.expectExact('item');
  });

  it('has its newest changes brought forward by an index', async () => {
    const before = countRows(bench.store, 'item');
    await bench.source.query(`update item set note = 'new', last_updated = now() where item_id = 7`);
    const planned = await bench.plan(resting);
    expect(reasons(planned).item).toBe('resting');
    expect(planned.slices).toMatchObject([{ table: 'item', byIndex: true }]);
    await bench.extractAll({ model: changedModel });
    expect(countRows(bench.store, 'item')).toBe(before + 1);
    await bench.expectExact('item');
  });
});
