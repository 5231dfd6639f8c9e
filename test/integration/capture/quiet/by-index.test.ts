import { beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { PlanDeps } from '../../../../services/ingestion/plan/plan-run.ts';
import { captureStateKey } from '../../../../shared/object-store/object-key.ts';
import {
  type CaptureState,
  formatCaptureState,
  knownOf,
  readCaptureState,
} from '../../../../shared/records/plan/capture-state.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { countRows, latestRows } from '../ingested-rows.ts';
import { changedModel } from '../shop-model.ts';
import { afterEachQuery, reasons, reported, tableState } from './quiet-plans.ts';

/** After its first look a table rests for as long as the test takes, however short the look was. */
const resting = {
  model: changedModel,
  quiet: { maxAgeSeconds: 3600, alwaysBytes: -1, restFactor: 1e9, overlapSeconds: 0, summariesAgeSeconds: 0 },
} satisfies Partial<PlanDeps>;

describe('a table with an index by the column that says when a row was changed', () => {
  let bench: CaptureBench;
  let source: pg.Client;
  benchInEachTest(
    () => startTemporaryPostgres({ settings: { autovacuum: 'off' } }),
    (made) => {
      bench = made;
      source = made.source;
    },
  );
  beforeEach(async () => {
    await reported(
      source,
      `insert into department values (1, 'Sales');
       insert into staff values (1, 'Ann', 1);
       insert into item select n, 'old', 1, now() - interval '1 day' - n * interval '1 minute' from generate_series(1, 3000) n;
       create index on item (last_updated, note)`,
    );
    await run();
  });

  /** Plans, and extracts what was found. */
  const run = async (options: Partial<PlanDeps> = {}) => {
    const planned = await bench.plan({ ...resting, ...options });
    const outcomes = await bench.extractAll({ model: options.model ?? changedModel });
    return { ...planned, outcomes: outcomes.map(({ outcome }) => outcome) };
  };
  const write = (sql: string) => reported(source, sql);
  const ingested = (id: number) =>
    latestRows(bench.store, 'item', 'item_id').find(({ item_id: own }) => own === id)?.note;
  const lookOf = async (table = 'item') => (await run()).looks?.find((look) => look.table === table);
  const changeState = async (change: (state: CaptureState) => Partial<CaptureState>) => {
    const read = await readCaptureState(bench.store);
    if (read === undefined) throw new Error('there is no state');
    await bench.store.put(captureStateKey, formatCaptureState({ ...read.state, ...change(read.state) }));
  };
  /** How long the last look at the items took. */
  const setDuration = (seconds: number) =>
    changeState((state) => {
      const item = knownOf(state, 'item');
      if (item === undefined) throw new Error('no look has been noted');
      return { tables: { ...state.tables, item: { ...item, look: { ...item.look, seconds } } } };
    });
  const exactly = async () => {
    await run({ isExact: true });
    await bench.expectExact('item', 'department', 'staff');
  };

  it('has its newest changes brought forward while it rests, and its base stays word for word', async () => {
    const { captured, base } = await tableState(bench, 'item');
    expect(base).toBeUndefined();
    await write(`update item set note = 'new', last_updated = now() where item_id = 7`);
    await write(`update item set note = 'in place' where item_id = 8`);
    const before = countRows(bench.store, 'item');
    const planned = await run();
    expect(reasons(planned).item).toBe('resting');
    expect(planned.slices).toMatchObject([{ table: 'item', full: false, byIndex: true }]);
    expect(planned.looks?.[0]).toMatchObject({ isLookedAt: false, byIndex: 'last_updated' });
    expect(ingested(7)).toBe('new');
    // What has no new value is left to the look at the table.
    expect(ingested(8)).toBe('old');
    expect(countRows(bench.store, 'item')).toBe(before + 1);
    expect((await tableState(bench, 'item')).base?.captured).toEqual(captured);
    for (let plan = 0; plan < 3; plan++) expect((await run()).slices).toEqual([]);
    expect((await tableState(bench, 'item')).base?.captured).toEqual(captured);
    await exactly();
    expect(ingested(8)).toBe('in place');
  });

  it('has the rows of a late commit brought forward, though later values were seen since', async () => {
    const late = await bench.connect();
    await late.query(`begin; insert into item values (5001, 'late', 1, clock_timestamp())`);
    for (let id = 5002; id < 5005; id++) {
      await write(`insert into item values (${id}, 'other', 1, clock_timestamp())`);
      await run();
      expect(ingested(id)).toBe('other');
    }
    await late.query('commit');
    await run();
    expect(ingested(5001)).toBe('late');
    await exactly();
  });

  it('has a late commit brought forward also where nothing else was written, so that no later xid is known', async () => {
    // Only the clock tells from where on to ask.
    await write(`insert into item values (5100, 'from 2999', 1, '2999-01-01')`);
    await run();
    const late = await bench.connect();
    await late.query(`begin; insert into item values (5101, 'late', 1, clock_timestamp())`);
    await run();
    await run();
    await late.query('commit');
    await run();
    expect(ingested(5101)).toBe('late');
    await exactly();
  });

  it('is not hidden by one row from the future', async () => {
    await write(`insert into item values (6000, 'from 2999', 1, '2999-01-01')`);
    await run();
    expect(ingested(6000)).toBe('from 2999');
    for (const id of [6001, 6002]) {
      await write(`insert into item values (${id}, 'now', 1, now())`);
      await run();
      expect(ingested(id)).toBe('now');
    }
    await write(`insert into item values (6003, 'for ever', 1, 'infinity')`);
    await run();
    await write(`insert into item values (6004, 'now', 1, now())`);
    await run();
    expect([6003, 6004].map(ingested)).toEqual(['for ever', 'now']);
    await exactly();
  });

  it('is asked by the values of clients whose clocks are behind', async () => {
    for (const [id, hours] of [
      [7001, 3],
      [7002, 2.9],
    ]) {
      await write(
        `insert into item values (${id}, 'behind', 1, clock_timestamp() - ${hours} * interval '1 hour')`,
      );
      await run();
      expect(ingested(id ?? 0)).toBe('behind');
    }
    await exactly();
  });

  it('is asked by the clock alone while it is empty', async () => {
    await write('delete from item');
    await run({ isExact: true });
    await write(`insert into item values (1, 'first', 1, now())`);
    await run();
    expect(ingested(1)).toBe('first');
  });

  it('has new rows of its own brought forward, and not those that are new for a joined row', async () => {
    await write('create index on staff (last_updated)');
    await run({ isExact: true });
    await write(`update department set department_name = 'Trade', last_updated = now()`);
    await write(`insert into staff values (2, 'Bob', 1, now())`);
    await run();
    const staff = latestRows(bench.store, 'staff', 'staff_id');
    expect(staff).toMatchObject([
      { staff_id: 1, 'department.department_name': 'Sales' },
      { staff_id: 2, 'department.department_name': 'Trade' },
    ]);
    await exactly();
  });

  it('is read by the index alone', async () => {
    const asked: string[] = [];
    await write(`insert into item values (8001, 'new', 1, now())`);
    await run({
      database: afterEachQuery(bench.database, async (sql) => {
        if (sql.includes('enable_seqscan') && sql.includes('"item"')) asked.push(sql);
      }),
    });
    // Whether something is new, and the greatest value.
    expect(asked).toHaveLength(2);
    for (const sql of asked) {
      const [select = ''] = sql.split('enable_seqscan = off;').slice(-1);
      await source.query('set enable_seqscan = off');
      const { rows } = await source.query<{ 'QUERY PLAN': string }>(`explain ${select}`);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index (Only )?Scan/);
      expect(plan).not.toContain('Seq Scan');
    }
  });

  it('is looked at where too much has changed, and an extract that finds too much puts nothing', async () => {
    await write(`update item set note = 'bulk', last_updated = now() where item_id <= 1500`);
    const planned = await run();
    expect(reasons(planned).item).toBe('many changes');
    expect(planned.slices.some(({ byIndex }) => byIndex)).toBe(false);
    await bench.expectExact('item');

    await write(`update item set note = repeat('x', 999), last_updated = now() where item_id <= 500`);
    const { slices } = await bench.plan(resting);
    expect(slices).toMatchObject([{ byIndex: true }]);
    const small = { model: changedModel, maxObjectBytes: 2000, maxCopyBytes: 10_000, maxUncutBytes: 10_000 };
    expect((await bench.extractAll(small)).map(({ outcome }) => outcome)).toEqual(['skipped']);
    expect(ingested(1)).toBe('bulk');
    const later = { now: () => new Date(Date.now() + 60_000) };
    expect(reasons(await run(later)).item).toBe('many changes');
    await bench.expectExact('item');
  });

  it('keeps what was too much to be read while it may not be looked at', async () => {
    await write(`update item set note = 'bulk', last_updated = now() where item_id <= 1500`);
    // Longer than has passed since.
    await setDuration(3600);
    const { index } = await tableState(bench, 'item');
    expect(reasons(await run()).item).toBe('resting');
    const kept = (await tableState(bench, 'item')).index;
    expect(kept).toMatchObject({ greatest: index?.greatest, base: { captured: expect.anything() } });
    await setDuration(0.001);
    expect(reasons(await run()).item).toBe('many changes');
    await bench.expectExact('item');
  });

  it('whose index is dropped between plan and extract is not read without it, and is looked at next', async () => {
    await write(`update item set note = 'new', last_updated = now() where item_id = 7`);
    const planned = await bench.plan(resting);
    expect(planned.slices).toMatchObject([{ byIndex: true }]);
    await write('drop index item_last_updated_note_idx');
    expect((await bench.extractAll({ model: changedModel })).map(({ outcome }) => outcome)).toEqual([
      'skipped',
    ]);
    expect(ingested(7)).toBe('old');
    expect((await lookOf())?.byIndex).toBeUndefined();
    await exactly();
  });

  it.each([
    ['of part of the rows', 'create index on item (last_updated) where item_id > 10'],
    ['of an expression', `create index on item (date_trunc('day', last_updated))`],
    ['by another column first', 'create index on item (item_id, last_updated)'],
    ['that is no B-tree', 'create index on item using brin (last_updated)'],
    [
      'that was not finished',
      `create index broken on item (last_updated); update pg_index set indisvalid = false where indexrelid = 'broken'::regclass`,
    ],
  ])('has no use for an index %s', async (_, sql) => {
    await write(`drop index item_last_updated_note_idx; ${sql}`);
    await run({ isExact: true });
    await write(`update item set note = 'new', last_updated = now() where item_id = 7`);
    expect((await lookOf())?.byIndex).toBeUndefined();
    expect(ingested(7)).toBe('old');
    await exactly();
  });

  it('needs an index of every partition', async () => {
    await write(`
      drop table item;
      create table item (item_id int, note text, price numeric(10,2), last_updated timestamp not null,
        primary key (item_id)) partition by range (item_id);
      create table item_1 partition of item for values from (0) to (100);
      create table item_2 partition of item for values from (100) to (200);
      create index on item_1 (last_updated);
      grant select on item to reader;
      insert into item values (1, 'a', 1, now()), (101, 'b', 1, now())`);
    await run();
    expect((await lookOf())?.byIndex).toBeUndefined();
    await write('create index on item_2 (last_updated)');
    await run({ isExact: true });
    await write(
      `update item set note = 'new', last_updated = clock_timestamp(); insert into item values (2, 'c', 1, clock_timestamp())`,
    );
    expect((await lookOf())?.byIndex).toBe('last_updated');
    expect([1, 2, 101].map(ingested)).toEqual(['new', 'c', 'new']);
  });

  it('is asked anew, and not for what another server had, after its source is another', async () => {
    await write(`insert into item values (9001, 'new', 1, now())`);
    const state = JSON.parse(
      Buffer.from((await bench.store.get('state/capture.json'))?.body ?? []).toString(),
    );
    await bench.store.put('state/capture.json', Buffer.from(JSON.stringify({ ...state, identity: 'other' })));
    const planned = await run();
    expect(planned.slices.every(({ full }) => full)).toBe(true);
    expect(ingested(9001)).toBe('new');
  });
});
