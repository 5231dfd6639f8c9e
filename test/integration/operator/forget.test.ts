import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { forgetRow } from '../../../cli/forget/forget.ts';
import { readObjectLines } from '../../../cli/objects/object-lines.ts';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { versionsOf } from '../../../shared/model/history.ts';
import { parseKnownKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { inSession } from './in-session.ts';
import { OperatedStack } from './operated-stack.ts';

const secret = 'Zaphod-Geh';

interface Forgotten {
  ok: boolean;
  id: string;
  table: string;
  removed: Record<string, number>;
}

/** Every object that holds the text: as it lies there, or in its lines. */
async function objectsWith(store: ObjectStore, text: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('')) {
    const object = await store.get(key);
    if (object === undefined) continue;
    const parsed = parseKnownKey(key);
    const lines = parsed === undefined ? [] : [...(await readObjectLines(parsed, key, object.body)).take()];
    const whole = [Buffer.from(object.body).toString('latin1'), JSON.stringify(object.metadata), ...lines];
    if (whole.some((each) => each.includes(text))) found.push(key);
  }
  return found;
}

/** Every table of the warehouse's database that has a row with the text. */
async function tablesWith(stack: OperatedStack, text: string): Promise<string[]> {
  const tables = await stack.warehouse<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await stack.warehouse(`select from ${name} t where t::text like '%${text}%' limit 1`);
    if (rows.length > 0) found.push(name);
  }
  return found;
}

const everywhere = async (stack: OperatedStack, text: string): Promise<string[]> => [
  ...(await objectsWith(stack.site.ingested, text)),
  ...(await objectsWith(stack.site.processed, text)),
  ...(await tablesWith(stack, text)),
];

/** The shop's model with a history of its staff. */
const withHistory: ModelDefinition = {
  ...totesysDefinition,
  tables: totesysDefinition.tables.flatMap((table) =>
    table.kind === 'dimension' && table.name === 'dim_staff' ? [table, versionsOf(table)] : [table],
  ),
};

const insertStaff = (id: number, name: string) =>
  `insert into staff select * from jsonb_populate_record(null::staff,
     (select to_jsonb(s) || jsonb_build_object('staff_id', ${id}, 'first_name', '${name}', 'email_address', '${name}@x')
        from staff s where staff_id = 1))`;

describe('forget', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  const forget = (...args: string[]) => stack.json<Forgotten>('forget', ...args);

  it('leaves no byte of a row anywhere, and everything else as it was', async () => {
    await stack.source(insertStaff(901, secret));
    await stack.source(insertStaff(902, 'Beside'));
    await stack.run();
    await stack.source(`update staff set last_name = 'Other' where staff_id in (901, 902)`);
    await stack.run();
    expect((await everywhere(stack, secret)).length).toBeGreaterThanOrEqual(5);
    await expect(forget('--table', 'dim_staff', '--key', '901')).rejects.toThrow(
      'the source still has this row of staff: delete it there first',
    );
    await inSession(stack, 'delete from staff where staff_id = 901');

    const done = await forget('--table', 'dim_staff', '--key', '901');
    expect(done).toMatchObject({ code: 0, ok: true, table: 'staff' });
    expect(done.removed).toMatchObject({ loaded: 1, waiting: 0, quarantined: 0 });
    // Two versions, and the key in a census where one was taken between.
    expect(done.removed.ingested).toBeGreaterThanOrEqual(2);
    expect(done.removed.processed).toBe(done.removed.ingested);
    expect(await everywhere(stack, secret)).toEqual([]);
    expect(await stack.warehouse(`select first_name, last_name from dim_staff where staff_id = 902`)).toEqual(
      [{ first_name: 'Beside', last_name: 'Other' }],
    );
    await stack.run();
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true, troubles: [] });

    // Neither what lies in the zones nor the source brings it back.
    for (const command of [
      ['replay', '--table', 'staff', '--zone', 'ingested'],
      ['rebuild', 'dim_staff'],
      ['resync', '--table', 'staff'],
    ]) {
      expect((await stack.command(...command)).code).toBe(0);
      expect(await stack.run()).toMatchObject({ ok: true });
    }
    expect(await everywhere(stack, secret)).toEqual([]);
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true, troubles: [] });

    const { rows } = await stack.json<{ rows: Forgotten[] }>('forget', '--list');
    expect(rows).toMatchObject([{ id: done.id, table: 'staff', removed: done.removed }]);
    expect(await forget('--table', 'dim_staff', '--key', '901')).toMatchObject({
      code: 0,
      removed: { ingested: 0, processed: 0, loaded: 0 },
    });
  });

  it('takes a row out of quarantine, and refuses a dimension row that facts name unless they go as well', async () => {
    await stack.source(`${insertStaff(903, secret)};
      insert into sales_order select * from jsonb_populate_record(null::sales_order,
        (select to_jsonb(s) || '{"sales_order_id": 90001, "staff_id": 903}' from sales_order s where sales_order_id = 1));
      insert into sales_order select * from jsonb_populate_record(null::sales_order,
        (select to_jsonb(s) || '{"sales_order_id": 90002, "staff_id": 903}' from sales_order s where sales_order_id = 1));
      alter table sales_order drop constraint sales_order_counterparty_id_fkey;
      insert into sales_order select * from jsonb_populate_record(null::sales_order,
        (select to_jsonb(s) || '{"sales_order_id": 90004, "staff_id": 903, "counterparty_id": 99999}'
           from sales_order s where sales_order_id = 1));
      update payment set payment_date = '${secret}' where payment_id = 5;
      update payment set payment_date = 'soon' where payment_id = 6`);
    await stack.run();
    // The newest version of one order names another person.
    await stack.source(`update sales_order set staff_id = 1, last_updated = last_updated + interval '1 day'
      where sales_order_id = 90002`);
    await stack.run();
    const quarantined = async () =>
      (await stack.json<{ files: { rows: { key: number }[] }[] }>('quarantine')).files.flatMap(({ rows }) =>
        rows.map(({ key }) => key),
      );
    expect(await quarantined()).toEqual([5, 6]);
    await inSession(stack, 'delete from payment where payment_id = 5');
    const paid = await forget('--table', 'payment', '--key', '5');
    expect(paid.removed).toMatchObject({ quarantined: 1, loaded: 1 });
    expect(await quarantined()).toEqual([6]);
    await stack.source(`update payment set payment_date = '2025-01-01' where payment_id = 6`);
    await stack.run();
    expect(await quarantined()).toEqual([]);

    await inSession(
      stack,
      'alter table sales_order drop constraint sales_order_staff_id_fkey; delete from staff where staff_id = 903',
    );
    const staff = ['--table', 'dim_staff', '--key', '903'];
    await expect(forget(...staff)).rejects.toThrow('3 of fact_sales_order (sales_staff_id)');
    await expect(forget(...staff, '--with-facts')).rejects.toThrow(
      '2 rows of sales_order in the source still name this row of staff',
    );
    await inSession(stack, 'delete from sales_order where sales_order_id in (90001, 90004)');
    const gone = await forget(...staff, '--with-facts');
    expect(gone.removed).toMatchObject({ loaded: 3, waiting: 1 });
    expect(await everywhere(stack, secret)).toEqual([]);
    expect(
      await stack.warehouse(
        `select sales_order_id, sales_staff_id from fact_sales_order where sales_order_id > 90000`,
      ),
    ).toEqual([{ sales_order_id: 90002, sales_staff_id: 1 }]);
    await stack.run();
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true, troubles: [] });
  });

  it('refuses a row that others carry by a join, until these are forgotten with their histories and facts', async () => {
    stack = await stack.startAgain({ definition: withHistory });
    await stack.source(`insert into department select * from jsonb_populate_record(null::department,
        (select to_jsonb(d) || '{"department_id": 77, "department_name": "${secret}"}' from department d where department_id = 1));
      ${insertStaff(905, 'Plain')};
      update staff set department_id = 77 where staff_id = 905;
      insert into sales_order select * from jsonb_populate_record(null::sales_order,
        (select to_jsonb(s) || '{"sales_order_id": 90003, "staff_id": 905}' from sales_order s where sales_order_id = 1))`);
    await stack.run();
    await stack.source(`update staff set last_name = 'Other' where staff_id = 905`);
    await stack.run();
    const department = ['--table', 'department', '--key', '77'];
    await inSession(
      stack,
      `delete from sales_order where sales_order_id = 90003; delete from staff where staff_id = 905;
       delete from department where department_id = 77`,
    );
    await expect(forget(...department)).rejects.toThrow(
      "rows of staff carry columns of department, and have this row's values: 905. Forget those first",
    );
    // The history has left the model: its table and its objects stay.
    stack = await stack.startAgain({ definition: totesysDefinition });
    const person = await forget('--table', 'dim_staff', '--key', '905', '--with-facts');
    // The person, two versions of the history, and the fact.
    expect(person.removed).toMatchObject({ loaded: 4 });
    expect(await forget(...department)).toMatchObject({ code: 0, removed: { loaded: 0 } });
    expect(await everywhere(stack, secret)).toEqual([]);
    expect(await stack.warehouse('select from dim_staff__versions where staff_id = 905')).toEqual([]);
    await stack.run();
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true, troubles: [] });
  });

  it('is whole once it is typed again, whatever write it died before', async () => {
    const attempts = 11;
    const id = (attempt: number) => 910 + attempt;
    const own = (attempt: number) => `${secret}-${attempt}-`;
    await stack.source(
      Array.from({ length: attempts }, (_, attempt) => insertStaff(id(attempt), own(attempt))).join(';'),
    );
    await stack.run();
    await stack.source(`update staff set last_name = first_name where staff_id > 909`);
    await stack.run();
    await inSession(stack, 'delete from staff where staff_id > 909');
    let whole = 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const source = stack.site.model.source('staff');
      const request = {
        source,
        given: [{ field: 'staff_id', text: String(id(attempt)) }],
        withFacts: false,
      };
      const dying = forgetRow(dyingAt(stack.site, attempt), request);
      const outcome = await dying.then(
        () => 'whole',
        (error: Error) => error.message,
      );
      if (outcome === 'whole') whole++;
      else {
        expect(outcome).toBe('died');
        // Before the first of them nothing is begun.
        if (attempt > 0) expect((await stack.command('forget', '--list')).code).toBe(1);
      }
      expect(await forget('--table', 'dim_staff', '--key', String(id(attempt)))).toMatchObject({ code: 0 });
    }
    expect(await everywhere(stack, secret)).toEqual([]);
    // There are no more writes than that.
    expect(whole).toBeGreaterThan(0);
    await stack.run();
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true, troubles: [] });
  });
});

/** A site on which the process dies before the write after so many. */
function dyingAt(site: OperatedStack['site'], writes: number): OperatedStack['site'] {
  let left = writes;
  const orDie = () => {
    if (left-- <= 0) throw new Error('died');
  };
  const dying = (store: ObjectStore): ObjectStore => ({
    ...store,
    replace: async (...args) => {
      orDie();
      return store.replace(...args);
    },
    put: async (...args) => {
      orDie();
      return store.put(...args);
    },
    delete: async (...args) => {
      orDie();
      return store.delete(...args);
    },
  });
  return { ...site, ingested: dying(site.ingested), processed: dying(site.processed) };
}
