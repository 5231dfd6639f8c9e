import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  describeWithInstalledPostgres,
  startInstalled,
} from '../../../helpers/postgres/installed-postgres.ts';
import {
  type PostgresServer,
  startTemporaryPostgres,
  type TemporaryPostgresOptions,
} from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { countRows } from '../ingested-rows.ts';
import {
  afterEachQuery,
  hidden,
  quietOptions,
  reasons,
  reported,
  runQuiet,
  tableState,
} from './quiet-plans.ts';

describe('a table that no write was reported of', () => isLeftOut(startTemporaryPostgres));
describeWithInstalledPostgres('a table that no write was reported of, on the installed Postgres', () =>
  isLeftOut(startInstalled),
);

function isLeftOut(start: (options: TemporaryPostgresOptions) => Promise<PostgresServer>): void {
  let bench: CaptureBench;
  benchInEachTest(
    () => start({ settings: { max_prepared_transactions: '4', autovacuum: 'off' } }),
    (made) => {
      bench = made;
    },
  );
  beforeEach(async () => {
    await reported(
      bench.source,
      `insert into item values (1, 'a'), (2, 'b');
       insert into department values (1, 'Sales'), (2, 'Stock');
       insert into staff values (1, 'Ann', 1), (2, 'Bob', 2)`,
    );
    await runQuiet(bench);
  });

  const allQuiet = { item: 'quiet', department: 'quiet', staff: 'quiet' };

  it('is left out, says as of when it is exact, and is looked at once one is', async () => {
    const { plannedAt } = JSON.parse(
      Buffer.from((await bench.store.get('state/capture.json'))?.body ?? []).toString(),
    );
    const quiet = await runQuiet(bench);
    expect(quiet.slices).toEqual([]);
    expect(quiet.looks).toEqual(
      ['item', 'department', 'staff'].map((table) => ({
        table,
        isLookedAt: false,
        because: 'quiet',
        asOf: plannedAt,
      })),
    );
    await reported(bench.source, `update item set note = 'c' where item_id = 1`);
    const written = await runQuiet(bench);
    expect(reasons(written)).toEqual({ ...allQuiet, item: 'written to' });
    expect(written.slices).toEqual([{ slice: '0000', table: 'item', full: false, since: plannedAt }]);
    await bench.expectExact('item', 'department', 'staff');
    expect(reasons(await runQuiet(bench))).toEqual(allQuiet);
  });

  it('keeps its base word for word, so that what no counter ever shows is found in the end', async () => {
    const open = await bench.connect();
    await open.query(`set track_counts = off; begin; insert into item values (3, 'open')`);
    await reported(bench.source, `insert into item values (4, 'makes a plan look')`);
    await runQuiet(bench);
    const before = await tableState(bench, 'item');
    expect(before.captured?.inProgress).toHaveLength(1);
    await open.query('commit');
    await hidden(
      bench,
      `insert into item values (5, 'hidden'); update item set note = 'hidden' where item_id = 1`,
    );
    for (let plan = 0; plan < 3; plan++) {
      // Others go on, and so does the next xid.
      await reported(bench.source, `insert into department values (${10 + plan}, 'new')`);
      expect(reasons(await runQuiet(bench)).item).toBe('quiet');
    }
    const { captured, base } = await tableState(bench, 'item');
    expect(captured?.base).not.toBe(before.captured?.base);
    expect(base?.captured).toEqual(before.captured);
    const inAnHour = { now: () => new Date(Date.now() + 3_600_001) };
    expect(reasons(await runQuiet(bench, inAnHour))).toMatchObject({ item: 'due' });
    await bench.expectExact('item', 'department', 'staff');
  });

  it('is exact when it is asked for, whatever the counters say', async () => {
    await hidden(bench, `insert into item values (5, 'hidden')`);
    expect((await runQuiet(bench)).slices).toEqual([]);
    const exact = await runQuiet(bench, { isExact: true });
    expect(reasons(exact).item).toBe('asked for');
    await bench.expectExact('item');
  });

  it('is looked at after a commit, not before, with savepoints and in two phases', async () => {
    const open = await bench.connect();
    await open.query(`begin; insert into item values (10); savepoint a; insert into item values (11);
      rollback to a; insert into item values (12)`);
    await open.query('select pg_stat_force_next_flush()');
    expect(reasons(await runQuiet(bench)).item).toBe('quiet');
    await reported(open, 'commit');
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    await bench.expectExact('item');

    await reported(
      open,
      `begin; update item set note = 'two phases' where item_id = 10; prepare transaction 'x'`,
    );
    await runQuiet(bench);
    expect(reasons(await runQuiet(bench)).item).toBe('quiet');
    await reported(bench.source, `commit prepared 'x'`);
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    await bench.expectExact('item');
  });

  it('misses nothing of a session that reports late, once it does', async () => {
    const busy = await bench.connect();
    // Commits within a statement: the session is not idle in between.
    const working = busy.query(`do $$ begin
      insert into item values (20); commit; perform pg_sleep(1.5); insert into item values (21); end $$`);
    const isThere = async () =>
      (await bench.source.query('select from item where item_id = 20')).rowCount === 1;
    while (!(await isThere()));
    await runQuiet(bench);
    await working;
    await busy.query('select pg_stat_force_next_flush()');
    await runQuiet(bench);
    await bench.expectExact('item');
  });

  it('is looked at when a write was reported right after the look that has missed it', async () => {
    const late = await bench.connect();
    let isLate = false;
    const afterLook = async (sql: string) => {
      if (isLate || !sql.includes('"item" as source')) return;
      isLate = true;
      await reported(late, 'insert into item values (31)');
    };
    const planned = await runQuiet(bench, {
      isExact: true,
      database: afterEachQuery(bench.database, afterLook),
    });
    expect([isLate, planned.slices]).toEqual([true, []]);
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    await bench.expectExact('item');
  });

  it('is looked at after the counters were reset, though they come to the same numbers again', async () => {
    await reported(bench.source, `select pg_stat_reset(); insert into item values (40), (41)`);
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    await bench.expectExact('item');
    await reported(
      bench.source,
      `select pg_stat_reset_single_table_counters('item'::regclass); insert into item values (42), (43)`,
    );
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    await bench.expectExact('item');
  });

  it('is looked at after a truncate with COPY FREEZE, a rewrite, and an edit of a long text alone', async () => {
    await reported(
      bench.source,
      `update item set note = (select string_agg(md5(n::text), '') from generate_series(1, 60) n)`,
    );
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    await bench.expectExact('item');
    // A row that is frozen from the start has its xid all the same.
    await hidden(
      bench,
      `begin; truncate item; copy item (item_id) from program 'echo 50' with (freeze); commit`,
    );
    const before = countRows(bench.store, 'item');
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    expect(countRows(bench.store, 'item')).toBe(before + 1);
    await hidden(bench, 'vacuum full item');
    expect(reasons(await runQuiet(bench)).item).toBe('written to');
    expect(reasons(await runQuiet(bench)).item).toBe('quiet');
  });

  it('is read in full when its definition changes, which no counter shows', async () => {
    await hidden(bench, `alter table item add column size int default 7`);
    const planned = await runQuiet(bench);
    expect(reasons(planned)).toEqual({ ...allQuiet, item: 'changed definition' });
    expect(planned.slices).toEqual([expect.objectContaining({ table: 'item', full: true })]);
    await hidden(
      bench,
      `create table twin (like item including all); insert into twin values (1, 'other');
       alter table item rename to old; alter table twin rename to item; grant select on item to reader`,
    );
    expect(reasons(await runQuiet(bench)).item).toBe('changed definition');
  });

  it('is looked at when a cascade writes it', async () => {
    await bench.source.query(`
      alter table staff drop constraint staff_department_id_fkey,
        add foreign key (department_id) references department on update cascade on delete set null`);
    await runQuiet(bench);
    await reported(bench.source, `update department set department_id = 3 where department_id = 1`);
    expect(reasons(await runQuiet(bench))).toEqual({
      item: 'quiet',
      department: 'written to',
      staff: 'written to',
    });
    await reported(bench.source, `delete from department where department_id = 2`);
    expect(reasons(await runQuiet(bench)).staff).toBe('written to');
    await bench.expectExact('staff');
  });

  it('is looked at when a joined table is written, also by a plan that could not look because it was locked', async () => {
    await reported(bench.source, `update department set department_name = 'Trade' where department_id = 1`);
    expect(reasons(await runQuiet(bench)).staff).toBe('written to');
    await bench.expectExact('staff');

    const locker = await bench.connect();
    const lock = () => locker.query('begin; lock table staff in access exclusive mode');
    // All of it is sent once under a lock. While that is not extracted, later plans leave it out.
    await lock();
    await reported(bench.source, `insert into department values (5, 'makes a plan look')`);
    await bench.plan(quietOptions);
    await locker.query('commit');
    await bench.extractAll({ ingested: { ...bench.store, create: async () => 'already there' } });
    await lock();
    await reported(bench.source, `update department set department_name = 'Buying' where department_id = 2`);
    const locked = await bench.plan(quietOptions);
    expect(reasons(locked)).toMatchObject({ department: 'written to', staff: 'locked' });
    await locker.query('commit');
    expect(reasons(await runQuiet(bench))).toMatchObject({ department: 'quiet', staff: 'no counters' });
    await bench.expectExact('staff');
  });

  it('is looked at when its base is old, or from the future', async () => {
    expect(reasons(await runQuiet(bench))).toEqual(allQuiet);
    const at = (seconds: number) => ({ now: () => new Date(Date.now() + 1000 * seconds) });
    expect(reasons(await runQuiet(bench, at(1700)))).toEqual(allQuiet);
    const due = { item: 'due', department: 'due', staff: 'due' };
    expect(reasons(await runQuiet(bench, at(3500)))).toEqual(due);
    expect(reasons(await runQuiet(bench))).toEqual(due);
  });

  it.each(['inserted', 'updated', 'deleted'])(
    'is looked at where the source hides its counter of rows %s, which is reported once',
    async (counter) => {
      const name = `pg_stat_get_tuples_${counter}`;
      await bench.source.query(`revoke execute on function ${name}(oid) from public`);
      const first = await runQuiet(bench);
      expect(reasons(first).item).toBe('no counters');
      expect(first.warnings).toEqual([
        `quiet tables are looked at like all others, because the source hides its counters: permission denied for function ${name} (SQLSTATE 42501)`,
      ]);
      await hidden(bench, `insert into item values (60)`);
      const second = await runQuiet(bench);
      expect(second.warnings).toEqual([]);
      await bench.expectExact('item');
    },
  );

  it('is looked at all the same where a look costs next to nothing', async () => {
    await hidden(bench, `insert into item values (70)`);
    expect(reasons(await bench.run())).toEqual({ item: 'small', department: 'small', staff: 'small' });
    await bench.expectExact('item');
  });

  it('is carried over from a state that knows neither counters nor looks', async () => {
    const state = JSON.parse(
      Buffer.from((await bench.store.get('state/capture.json'))?.body ?? []).toString(),
    );
    for (const table of Object.values<Record<string, unknown>>(state.tables)) delete table.look;
    await bench.store.put('state/capture.json', Buffer.from(JSON.stringify(state)));
    const planned = await runQuiet(bench);
    expect(reasons(planned).item).toBe('no counters');
    expect(planned.slices).toEqual([]);
    expect(reasons(await runQuiet(bench))).toEqual(allQuiet);
  });
}
