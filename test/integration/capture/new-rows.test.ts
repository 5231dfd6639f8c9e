import { beforeEach, describe, expect, it } from '@jest/globals';
import type { PlanDeps } from '../../../services/ingestion/plan/plan-run.ts';
import { formatExtractMessage, parseExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { readRunRecord, unpackMessage } from '../../../shared/records/plan/run-record.ts';
import { describeWithInstalledPostgres, startInstalled } from '../../helpers/postgres/installed-postgres.ts';
import {
  type PostgresServer,
  startTemporaryPostgres,
  type TemporaryPostgresOptions,
} from '../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from './capture-bench.ts';
import { benchInEachTest } from './each-bench.ts';
import { countRows, ingestedObjects } from './ingested-rows.ts';
import { hidden, quietOptions, reported } from './quiet/quiet-plans.ts';

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

  it('a staff row whose department changed, or came later, without a change of its own', async () => {
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

  describe('a staff row whose department is gone, where no foreign key is enforced', () => {
    let now: Date;
    beforeEach(async () => {
      now = new Date('2026-11-30T10:00:00Z');
      await bench.source.query(`alter table staff drop constraint staff_department_id_fkey;
        insert into department select n, 'name ' || n from generate_series(1, 5) n;
        insert into staff select n, 'name', n from generate_series(1, 5) n; insert into staff values (6, 'Flo', null)`);
      await run();
    });
    const run = async (options: Partial<PlanDeps> = {}) => {
      const planned = await bench.plan({ now: () => now, censusFloorSeconds: 60, ...options });
      await bench.extractAll();
      return planned;
    };
    const later = (seconds: number) => {
      now = new Date(now.getTime() + 1000 * seconds);
    };
    const read = async (options?: Partial<PlanDeps>) => {
      const { run: id } = await run(options);
      return ingestedObjects(bench.store, 'staff')
        .filter(({ key }) => key.includes(id))
        .flatMap(({ rows }) => rows.map(({ staff_id }) => staff_id));
    };

    it.each([
      ['deleted', 60, 'delete from department where department_id = 2', [2]],
      ['truncated', 60, 'truncate department', [1, 2, 3, 4, 5]],
      ['given another key', 900, 'update department set department_id = 7 where department_id = 3', [3]],
      [
        'deleted and one of its key put in its place',
        60,
        'delete from department where department_id = 4; insert into department values (4)',
        [4],
      ],
    ])('because it was %s', async (_, seconds, sql, staff) => {
      await bench.source.query(`alter table department alter department_name set default 'other'`);
      await reported(bench.source, sql);
      later(seconds);
      expect(await read()).toEqual(staff);
      await bench.expectExact('staff');
      // Until another one may be gone, nothing of it is read again.
      later(1000);
      expect(await read()).toEqual([]);
    });

    it('is read no sooner than the floor, though the table was quiet by then', async () => {
      const { quiet } = quietOptions;
      later(10);
      await reported(bench.source, 'delete from department where department_id = 2');
      expect(await read({ quiet })).toEqual([]);
      later(49);
      expect(await read({ quiet })).toEqual([]);
      later(1);
      expect(await read({ quiet })).toEqual([2]);
      await bench.expectExact('staff');
    });

    it('is read at once where all is to be exact, and after a day where no counter shows it', async () => {
      await reported(bench.source, 'delete from department where department_id = 2');
      expect(await read({ isExact: true })).toEqual([2]);
      await hidden(bench, 'delete from department where department_id = 3');
      later(23 * 3600);
      expect(await read()).toEqual([]);
      later(3600);
      expect(await read()).toEqual([2, 3]);
      await bench.expectExact('staff');
    });

    it('is read by a message that was lost and is sent again from the record', async () => {
      await reported(
        bench.source,
        `delete from department where department_id = 2; insert into item values (1)`,
      );
      later(60);
      const planned = await bench.plan({ now: () => now, censusFloorSeconds: 60 });
      const record = await readRunRecord(bench.store, planned.run);
      if (record?.messages === undefined) throw new Error('the run has no record');
      const { messages } = record;
      const sent = record.slices.map((slice) =>
        formatExtractMessage(unpackMessage({ ...record, messages }, slice)),
      );
      expect(sent.map(parseExtractMessage)).toEqual(bench.queue);
    });
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
