import { beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { TerminalError } from '../../../../shared/errors.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { countRows } from '../ingested-rows.ts';
import { shopModel } from '../shop-model.ts';

describe('a table of the source', () => {
  let bench: CaptureBench;
  benchInEachTest(startTemporaryPostgres, (made) => {
    bench = made;
  });
  beforeEach(async () => {
    await bench.source.query(`insert into item values (1, 'a'), (2, 'b');
      insert into department values (1, 'Sales'); insert into staff values (1, 'Ann', 1)`);
  });

  const fullTables = async () =>
    (await bench.run()).slices.filter(({ full }) => full).map(({ table }) => table);

  describe('is extracted in full, it alone, when', () => {
    beforeEach(async () => {
      await bench.run();
    });

    it('another table was put in its place', async () => {
      // Written before the plan that does not know it: by its xids nothing of it is new.
      await bench.source.query(`create table other (like item including all);
        insert into other values (1, 'other a'), (3, 'other c')`);
      await bench.run();
      await bench.source.query('alter table item rename to former; alter table other rename to item');
      expect(await fullTables()).toEqual(['item']);
      expect(countRows(bench.store, 'item')).toBe(4);
    });

    it('a partition was attached', async () => {
      await bench.source.query(`
        drop table item;
        create table item (item_id int, note varchar, price numeric, last_updated timestamp default now())
          partition by range (item_id);
        create table low partition of item for values from (0) to (100);
        insert into item values (1, 'a'), (2, 'b');
        create table high (like item);
        insert into high values (100, 'attached')`);
      await bench.run();
      await bench.source.query('alter table item attach partition high for values from (100) to (200)');
      expect(await fullTables()).toEqual(['item']);
      await bench.expectExact('item');
    });

    it('a column came with a default, which writes no row', async () => {
      await bench.source.query(`alter table item drop column note;
        alter table item add column note varchar default 'from the default'`);
      expect(await fullTables()).toEqual(['item']);
      await bench.expectExact('item');
    });

    it('a table that is joined to it was exchanged', async () => {
      await bench.source.query(`create table other (like department including all);
        insert into other values (1, 'Other sales')`);
      await bench.run();
      await bench.source.query(
        `alter table department rename to former; alter table other rename to department`,
      );
      expect(await fullTables()).toEqual(['department', 'staff']);
      await bench.expectExact('department', 'staff');
    });
  });

  it.each([
    ['drop table item', 'the source has no table public.item'],
    ['revoke select on item from reader', 'permission denied for table public.item'],
    ['alter table item rename to base; create view item as table base', 'public.item is a view'],
    ['alter table item rename to base; create materialized view item as table base', 'a materialized view'],
    ['alter table item drop column price', 'public.item has no column price'],
    [
      'alter table item alter price type float8',
      "public.item.price is of type double precision, which does not fit the model's numeric(10,2)",
    ],
    ['alter table item alter last_updated type timestamptz', 'timestamp with time zone'],
    [
      'alter table item enable row level security; create policy none on item using (false)',
      'row-level security hides rows of public.item',
    ],
  ])('fails alone after: %s', async (ddl, reason) => {
    await bench.source.query(ddl);
    const { failures, slices } = await bench.plan();
    expect(failures).toEqual([
      { table: 'item', error: 'TerminalError', reason: expect.stringContaining(reason) },
    ]);
    expect(slices.map(({ table }) => table).sort()).toEqual(['department', 'item', 'staff']);

    // The one message for it is a dead letter's with the same reason.
    const message = bench.queue.find(({ table }) => table === 'item');
    if (message === undefined) throw new Error('no message for the failing table');
    bench.queue.splice(bench.queue.indexOf(message), 1);
    const failure = await bench.extract(message).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TerminalError);
    expect(failure).toMatchObject({ table: 'item', message: expect.stringContaining(reason) });
    await bench.extractAll();
    await bench.expectExact('department', 'staff');

    const later = await bench.plan();
    expect(later.slices).toEqual([]);
    expect(later.failures).toHaveLength(1);
  });

  it('that was mended is extracted in full', async () => {
    await bench.run();
    await bench.source.query('revoke select on item from reader');
    await bench.plan();
    bench.queue.splice(0);
    await bench.source.query(`update item set note = 'meanwhile'`);
    await bench.plan();
    await bench.source.query('grant select on item to reader');
    expect(await fullTables()).toEqual(['item']);
    await bench.expectExact('item');
  });

  it('fails with a table that is joined to it', async () => {
    await bench.source.query('revoke select on department from reader');
    const { failures } = await bench.plan();
    expect(failures.map(({ table, reason }) => [table, reason])).toEqual([
      ['department', 'permission denied for table public.department'],
      ['staff', 'permission denied for table public.department'],
    ]);
  });

  it('has columns that are kept in the source on purpose, of which no warning tells', async () => {
    await bench.source.query('alter table item add column secret text');
    const sources = shopModel.sources.map((source) =>
      source.name === 'item' ? { ...source, excluded: new Set(['secret']) } : source,
    );
    expect((await bench.plan({ model: { ...shopModel, sources } })).warnings).toEqual([]);
    expect((await bench.plan()).warnings).toEqual([
      'public.item has columns that the model does not use: secret',
    ]);
  });

  it('may have wider types, domains and columns that the model does not know, of which one warning tells', async () => {
    await bench.source.query(`
      create domain long as bigint check (value < 9999999999);
      alter table item alter item_id type long, alter note type char(8), alter price type numeric,
        add column extra json`);
    await bench.source.query('insert into item values (7999999999, $1, 12345678901234567890.125)', [
      '☃ "\\n',
    ]);
    const { failures, warnings } = await bench.run();
    expect(failures).toEqual([]);
    expect(warnings).toEqual(['public.item has columns that the model does not use: extra']);
    await bench.expectExact('item');
  });

  it('may have more than a thousand columns that the model does not know: they are counted, and few are named', async () => {
    const columns = Array.from({ length: 1580 }, (_, index) => `add column unknown_${index} int`);
    await bench.source.query(`alter table item ${columns.join(', ')}`);
    const { warnings } = await bench.run();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^public\.item has 1580 columns that the model does not use, such as unknown_0, unknown_1, /,
    );
    expect(warnings[0]?.length).toBeLessThan(300);
  });

  it('under an exclusive lock keeps no other table waiting', async () => {
    await bench.run();
    const locker = await bench.connect();
    await locker.query('begin; lock table item in access exclusive mode');
    await bench.source.query(`insert into department values (2, 'Stock')`);
    const { slices } = await bench.plan();
    expect(slices).toEqual([
      { slice: '0000', table: 'item', full: false },
      { slice: '0001', table: 'department', full: false },
    ]);
    await locker.query(`insert into item values (9); commit`);
    await bench.extractAll();
    await bench.run();
    await bench.expectExact('item', 'department');
  });

  it('under an exclusive lock is sent once and then left out, names who holds it, and loses no row', async () => {
    await bench.run();
    const [locker, writer] = [await bench.connect(), await bench.connect()];
    // Commits before the lock, after the first plan: only the plan that is made under the lock can have it.
    await writer.query(`begin; insert into item values (7)`);
    await locker.query(`set application_name = 'migration'`);
    const { rows: lockers } = await locker.query('select pg_backend_pid() as pid');
    const locking = lockItem(locker);
    await writer.query('commit');
    await locking;
    const plans = [await bench.plan(), await bench.plan(), await bench.plan()];
    expect(plans.map(({ slices }) => slices.filter(({ table }) => table === 'item').length)).toEqual([
      1, 0, 0,
    ]);
    expect(plans.map(({ locked }) => locked?.map(({ table, isLeftOut }) => [table, isLeftOut]))).toEqual([
      [['item', false]],
      [['item', true]],
      [['item', true]],
    ]);
    // A role without pg_read_all_stats sees who holds the lock, and not since when.
    expect(plans[2]?.locked?.[0]?.lock).toBe(`item is locked by pid ${lockers[0].pid} (migration)`);
    await locker.query(`insert into item values (9); commit`);
    await bench.source.query('insert into item values (10)');
    // What was sent under the lock may come last: the next plan does not need it.
    const sent = bench.queue.splice(0);
    const after = await bench.run();
    expect(after.locked).toBeUndefined();
    bench.queue.push(...sent);
    await bench.extractAll();
    await bench.expectExact('item', 'department');
  });

  it('that is left out keeps its base: what commits between two locks, after the extract has read, is not lost', async () => {
    await bench.run();
    const locker = await bench.connect();
    await lockItem(locker);
    await bench.plan();
    await locker.query('commit');
    const [sent] = bench.queue.splice(0);
    if (sent === undefined) throw new Error('no message');
    const { promise: read, resolve: noteRead } = Promise.withResolvers<void>();
    const { promise: mayPut, resolve: allowPut } = Promise.withResolvers<void>();
    const create: typeof bench.store.create = async (...given) => {
      noteRead();
      await mayPut;
      return bench.store.create(...given);
    };
    const extracting = bench.extract(sent, { ingested: { ...bench.store, create } });
    await read;
    await bench.source.query('insert into item values (8)');
    await lockItem(locker);
    const { locked } = await bench.plan();
    expect(locked?.map(({ isLeftOut }) => isLeftOut)).toEqual([true]);
    allowPut();
    await extracting;
    await locker.query('commit');
    await bench.run();
    await bench.expectExact('item');
  });

  it('is sent again under the same lock once what was sent before is extracted', async () => {
    await bench.run();
    const locker = await bench.connect();
    await lockItem(locker);
    await bench.plan();
    await locker.query('commit');
    await bench.extractAll();
    await locker.query('begin; insert into item values (9)');
    await lockItem(locker);
    const { locked } = await bench.plan();
    expect(locked?.map(({ isLeftOut }) => isLeftOut)).toEqual([false]);
    await locker.query('commit');
    await bench.extractAll();
    await bench.expectExact('item');
  });

  it('is not read through an ALTER that waits with it for the lock: no row is lost', async () => {
    await bench.plan();
    const message = bench.queue.find(({ table }) => table === 'item');
    if (message === undefined) throw new Error('no message');
    const altering = await bench.connect();
    await altering.query(`begin; alter table item alter note type text using note || '!'`);
    const extracting = bench.extract(message);
    const waits = `select 1 from pg_locks where not granted and relation = 'item'::regclass`;
    while ((await bench.source.query(waits)).rowCount === 0);
    await altering.query('commit');
    expect(await extracting).toEqual({ outcome: 'ingested', rows: 2 });
  });

  it('makes the plan fail before anything is written when there is no other', async () => {
    await bench.source.query('drop table item, staff, department');
    await expect(bench.plan()).rejects.toThrow(/public has none of the tables item, department, staff/);
    expect(bench.store.objects.size).toBe(0);
  });
});

async function lockItem(client: pg.Client): Promise<void> {
  await client.query('begin');
  await client.query('lock table item in access exclusive mode');
}
