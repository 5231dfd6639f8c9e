import { describe, expect, it } from '@jest/globals';
import { describeWithInstalledPostgres, startInstalled } from '../../helpers/postgres/installed-postgres.ts';
import {
  type PostgresServer,
  startTemporaryPostgres,
  type TemporaryPostgresOptions,
} from '../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from './capture-bench.ts';
import { benchInEachTest } from './each-bench.ts';
import { countRows, ingestedObjects } from './ingested-rows.ts';

describe('which rows a run extracts', () => extractsNewRows(startTemporaryPostgres));
describeWithInstalledPostgres('which rows a run extracts, on the installed Postgres', () =>
  extractsNewRows(startInstalled),
);

function extractsNewRows(start: (options: TemporaryPostgresOptions) => Promise<PostgresServer>): void {
  let bench: CaptureBench;
  benchInEachTest(
    () => start({ settings: { max_prepared_transactions: '4' } }),
    (made) => {
      bench = made;
    },
  );

  it('all rows at first, then those that changed, then none', async () => {
    await bench.source.query(
      `insert into item select n, 'note ' || n, n * 1.01 from generate_series(1, 100) n`,
    );
    await bench.source.query(
      `insert into department values (1, 'Sales'); insert into staff values (1, 'Ann', 1)`,
    );
    const first = await bench.run();
    expect(first.slices.map(({ table, full }) => ({ table, full }))).toEqual([
      { table: 'item', full: true },
      { table: 'department', full: true },
      { table: 'staff', full: true },
    ]);
    await bench.expectExact('item', 'department', 'staff');

    await bench.source.query(
      `update item set note = 'changed' where item_id = 7; insert into item values (101)`,
    );
    const second = await bench.run();
    expect(second.slices).toEqual([{ slice: '0000', table: 'item', full: false }]);
    expect(countRows(bench.store, 'item')).toBe(102);
    await bench.expectExact('item', 'department', 'staff');

    const before = bench.store.objects.size;
    expect((await bench.run()).slices).toEqual([]);
    expect(bench.store.objects.size).toBe(before);
  });

  it('a transaction that commits after the plan, though its rows and timestamps are older', async () => {
    const late = await bench.connect();
    await late.query(`begin; insert into item values (1, 'late', 1, '2020-01-01')`);
    await bench.source.query(`insert into item values (2, 'early', 2, '2024-01-01')`);
    await bench.run();
    await late.query('commit');
    await bench.run();
    await bench.expectExact('item');
  });

  it('a transaction that commits between the plan and its extract, and one that does so in a later run', async () => {
    const [first, second] = [await bench.connect(), await bench.connect()];
    await bench.run();
    await first.query(`begin; insert into item values (1)`);
    await second.query(`begin; insert into item values (2)`);
    await bench.source.query('insert into item values (3)');
    await bench.plan();
    await first.query('commit');
    await bench.extractAll();
    await bench.run();
    await second.query('commit');
    await bench.run();
    await bench.expectExact('item');
  });

  it('rows written under savepoints before and after a plan, released and rolled back', async () => {
    const open = await bench.connect();
    await bench.run();
    await open.query(`begin; insert into item values (1); savepoint a; insert into item values (2);
      savepoint b; insert into item values (3); rollback to b; insert into item values (4); release a`);
    await bench.source.query('insert into item values (10)');
    await bench.run();
    await open.query(`savepoint c; insert into item values (5); release c`);
    await bench.source.query('insert into item values (11)');
    await bench.run();
    await open.query('commit');
    await bench.run();
    await bench.expectExact('item');
  });

  it('more savepoints than a list holds', async () => {
    const open = await bench.connect();
    await bench.run();
    await open.query(`begin; do $$ begin
      for n in 1..1200 loop begin insert into item values (n); exception when others then raise; end; end loop;
    end $$`);
    await bench.source.query('insert into item values (2000)');
    await bench.run();
    await bench.source.query('insert into item values (2001)');
    await bench.run();
    await open.query('commit');
    await bench.run();
    await bench.expectExact('item');
  });

  it('a prepared transaction, once it is committed', async () => {
    const other = await bench.connect();
    await bench.run();
    await other.query(`begin; insert into item values (1); savepoint a; insert into item values (2);
      prepare transaction 'two phases'`);
    await bench.source.query('insert into item values (3)');
    await bench.run();
    expect(countRows(bench.store, 'item')).toBe(1);
    await bench.source.query(`commit prepared 'two phases'`);
    await bench.run();
    await bench.expectExact('item');
  });

  it('an update that leaves last_updated as it was, and rows that share one', async () => {
    await bench.source.query(`insert into item values (1, 'a'), (2, 'b'), (3, 'c')`);
    await bench.run();
    await bench.source.query(`update item set note = 'edited in place' where item_id = 2`);
    await bench.run();
    await bench.expectExact('item');
    expect(countRows(bench.store, 'item')).toBe(4);
  });

  it('a staff row whose department changed, or came later, or went, without a change of its own', async () => {
    await bench.source.query(`insert into department values (1, 'Sales'), (2, 'Stock');
      insert into staff values (1, 'Ann', 1), (2, 'Bob', 2), (3, 'Cy', null)`);
    await bench.run();
    await bench.source.query(`update department set department_name = 'Trade' where department_id = 1`);
    const planned = await bench.run();
    expect(planned.slices.map(({ table }) => table)).toEqual(['department', 'staff']);
    expect(ingestedObjects(bench.store, 'staff').at(-1)?.rows).toEqual([
      expect.objectContaining({ staff_id: 1, 'department.department_name': 'Trade' }),
    ]);
    await bench.expectExact('department', 'staff');
  });

  it('a department that commits after the plan reaches the staff in the next run', async () => {
    await bench.source.query(
      `insert into department values (1, 'Sales'); insert into staff values (1, 'Ann', 1)`,
    );
    await bench.run();
    const late = await bench.connect();
    await late.query(`begin; update department set department_name = 'Trade'`);
    await bench.source.query(`insert into item values (1)`);
    await bench.run();
    await late.query('commit');
    await bench.run();
    await bench.expectExact('department', 'staff', 'item');
  });

  it('nothing for locks: select for update, and by several at once', async () => {
    await bench.source.query(`insert into item values (1), (2)`);
    await bench.run();
    const [a, b] = [await bench.connect(), await bench.connect()];
    await a.query('begin; select * from item for share');
    await b.query('begin; select * from item for share');
    await a.query('commit');
    await b.query('commit');
    await a.query('begin; select * from item for update; commit');
    expect((await bench.run()).slices).toEqual([]);
  });

  it('nothing for vacuum full, cluster and vacuum freeze; all once for an ALTER that rewrites', async () => {
    await bench.source.query(`insert into item select n from generate_series(1, 50) n`);
    await bench.run();
    await bench.source.query('vacuum full item');
    await bench.source.query('vacuum freeze item');
    await bench.source.query('cluster item using item_pkey');
    expect((await bench.run()).slices).toEqual([]);
    await bench.source.query(`alter table item alter column note type text using 'new ' || item_id`);
    await bench.run();
    expect(countRows(bench.store, 'item')).toBe(100);
    await bench.expectExact('item');
    expect((await bench.run()).slices).toEqual([]);
  });

  it('near as many rows as changed while a transaction is held open over 20 plans', async () => {
    const held = await bench.connect();
    await bench.run();
    await held.query(`begin; insert into item values (0)`);
    for (let round = 1; round <= 20; round++) {
      await bench.source.query(`insert into item select $1 * 100 + n from generate_series(1, 50) n`, [round]);
      await bench.run();
    }
    await held.query('commit');
    await bench.run();
    await bench.expectExact('item');
    expect(countRows(bench.store, 'item')).toBe(1001);
  });
}
