import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatDeleted, formatNothingNew } from '../../../cli/run/report/report.ts';
import { seen } from '../../helpers/seen.ts';
import { inSession as changeInSession, runUntilDeleted } from './in-session.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
afterEach(() => stack?.stop());

const marked = (table: string, key: string) =>
  stack
    .warehouse<{ key: number }>(
      `select distinct ${key} as key from ${table} where _deleted_by is not null order by 1`,
    )
    .then((rows) => rows.map((row) => row.key));

const inSession = (sql: string) => changeInSession(stack, sql);

interface Verified {
  ok: boolean;
  complete: boolean;
  tables: { table: string; examples?: { kind: string; key: string }[] }[];
}

const verify = () => stack.json<Verified>('verify');
const tableOf = ({ tables }: Verified, name: string) => tables.find(({ table }) => table === name);

/** A census that took long on a busy machine rests before the next one. */
const runUntil = (holds: () => Promise<boolean>) =>
  seen(async () => {
    await stack.run();
    return holds();
  });

describe('a row that was deleted in the source', () => {
  it('is marked by the next run, comes back with its key, and is the warehouse’s to tell from the others', async () => {
    await stack.run();
    await inSession('delete from payment where payment_id in (2, 5)');
    // Nothing is wrong: the last census was before.
    const late = await verify();
    expect(late).toMatchObject({ ok: true, complete: false, code: 0 });
    expect(tableOf(late, 'fact_payment')).toMatchObject({ undeleted: 2, deleted: 0, extra: 0, marked: 0 });
    const report = await runUntilDeleted(stack);
    expect(report.tables.filter(({ deleted, extracted }) => deleted + extracted > 0)).toMatchObject([
      { table: 'fact_payment', extracted: 0, deleted: 2 },
    ]);
    expect(formatNothingNew(report)).toMatch(/^No new rows in the source/);
    expect(formatDeleted(report)).toEqual(['Deleted in the source, and marked: 2 rows of fact_payment.']);
    // It is told once.
    expect((await stack.run()).tables.some(({ deleted }) => deleted > 0)).toBe(false);
    expect(await marked('fact_payment', 'payment_id')).toEqual([2, 5]);
    expect(
      await stack.warehouse(`select warehouse_table as table, state, marked::int from starlift.census
                              where marked > 0 or state <> 'applied'`),
    ).toEqual([{ table: 'fact_payment', state: 'applied', marked: 2 }]);
    expect(await stack.differences()).toEqual([]);
    expect(tableOf(await verify(), 'fact_payment')).toMatchObject({ undeleted: 0, deleted: 2 });

    await stack.warehouse(`
      update fact_payment set _deleted_by = null where payment_id = 2;
      update fact_payment set _deleted_by = 1 where payment_id = 3`);
    const wrong = await verify();
    expect(wrong).toMatchObject({ ok: false, code: 1 });
    expect(tableOf(wrong, 'fact_payment')).toMatchObject({
      extra: 1,
      marked: 1,
      examples: [
        { kind: 'extra', key: '2' },
        { kind: 'marked', key: '3' },
      ],
    });
    expect(await stack.json<{ ok: boolean }>('status')).toMatchObject({ ok: false });
    await stack.warehouse(`
      update fact_payment set _deleted_by = 1 where payment_id = 2;
      update fact_payment set _deleted_by = null where payment_id = 3`);

    // The row that comes back has its old key, and its old version.
    const [kept] = await stack.source<{ row: object }>(
      'select to_jsonb(p) as row from payment p where payment_id = 3',
    );
    await inSession('delete from payment where payment_id = 3');
    await runUntil(async () => (await marked('fact_payment', 'payment_id')).length === 3);
    expect(await marked('fact_payment', 'payment_id')).toEqual([2, 3, 5]);
    await inSession(
      `insert into payment select * from jsonb_populate_record(null::payment, '${JSON.stringify(kept?.row)}')`,
    );
    await runUntil(async () => (await marked('fact_payment', 'payment_id')).length === 2);
    expect(await marked('fact_payment', 'payment_id')).toEqual([2, 5]);
    expect(await stack.differences()).toEqual([]);
  });
});

it('rows that are rebuilt from S3 are older than the census, which marks them again', async () => {
  await stack.run();
  await inSession('delete from payment where payment_id in (2, 5)');
  await runUntilDeleted(stack);
  await stack.warehouse('truncate fact_payment');
  expect((await stack.command('rebuild', 'fact_payment')).code).toBe(0);
  await runUntil(async () => (await marked('fact_payment', 'payment_id')).length === 2);
  expect(await marked('fact_payment', 'payment_id')).toEqual([2, 5]);
  expect(await stack.warehouse('select from starlift.census where due_since is not null')).toEqual([]);
  expect(await stack.differences()).toEqual([]);
  expect(await stack.json<object>('status')).toMatchObject({ ok: true });
});

it('a row whose joined row was deleted is late until the next run, and a bad row where the model wants its columns', async () => {
  await stack.run();
  await inSession(`
    create table kept as select * from department where department_id = (select min(department_id) from staff);
    alter table staff drop constraint staff_department_id_fkey;
    delete from department where department_id in (select department_id from kept)`);
  const [{ count } = { count: 0 }] = await stack.source<{ count: number }>(
    'select count(*)::int as count from staff join kept using (department_id)',
  );
  const late = await verify();
  expect(late).toMatchObject({ ok: true, complete: false });
  expect(tableOf(late, 'dim_staff')).toMatchObject({ late: count, different: 0 });
  await stack.run();
  expect(tableOf(await verify(), 'dim_staff')).toMatchObject({ late: 0, quarantined: count, different: 0 });
  expect(await stack.json<object>('status')).toMatchObject({ ok: false });
  await inSession('insert into department select * from kept');
  await stack.run();
  expect(await stack.differences()).toEqual([]);
});

describe('a table that was emptied in the source', () => {
  interface Deletes {
    ok: boolean;
    tables: { table: string; marked: number | null; census: { state: string; reason: string } | null }[];
  }
  const deletesOf = async (table: string) => {
    const { code, tables } = await stack.json<Deletes>('deletes', '--table', table);
    return { code, ...tables[0] };
  };

  const isHeld = async () => (await deletesOf('fact_payment')).census?.state === 'held';

  it('is held and shown, and nothing is marked until it is applied', async () => {
    await stack.run();
    await inSession('truncate payment');
    await runUntil(isHeld);
    expect(await marked('fact_payment', 'payment_id')).toEqual([]);
    expect(await deletesOf('fact_payment')).toMatchObject({
      code: 1,
      marked: 0,
      census: { state: 'held', reason: 'all 1440 keys are gone' },
    });
    const status = await stack.json<{ ok: boolean; troubles: object[] }>('status');
    expect(status).toMatchObject({ ok: false, troubles: [{ kind: 'held', table: 'fact_payment' }] });
    expect(stack.events('Census Held')).toMatchObject([{ table: 'fact_payment' }]);
    // Another census does not mend what the first one was held for.
    await stack.command('resync', '--table', 'payment');
    expect((await stack.run()).ok).toBe(false);
    expect(await marked('fact_payment', 'payment_id')).toEqual([]);

    await stack.command('deletes', 'apply', '--table', 'fact_payment');
    await stack.run();
    expect((await marked('fact_payment', 'payment_id')).length).toBe(1440);
    expect(await deletesOf('fact_payment')).toMatchObject({
      code: 0,
      marked: 1440,
      census: { state: 'applied' },
    });
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
  });

  it('is forgotten where that was a mistake, and filled again', async () => {
    await stack.run();
    await inSession('create table kept as select * from payment');
    await inSession('truncate payment');
    await runUntil(isHeld);
    await inSession('insert into payment select * from kept');
    await stack.run();
    expect(await stack.json<object>('status')).toMatchObject({ ok: false, troubles: [{ kind: 'held' }] });
    await stack.command('deletes', 'dismiss', '--table', 'fact_payment');
    await stack.run();
    expect(await deletesOf('fact_payment')).toMatchObject({ code: 0, marked: 0 });
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
    // The next one is judged against the last that was not held.
    await inSession('delete from payment where payment_id = 1');
    await runUntilDeleted(stack);
    expect(await marked('fact_payment', 'payment_id')).toEqual([1]);
  });
});
