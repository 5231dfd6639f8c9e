import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Status } from '../../../cli/status/status.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { readVerified } from '../../../shared/records/verified.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { OperatedStack } from './operated-stack.ts';

interface VerifiedTables {
  ok: boolean;
  tables: ({ table: string } & Record<string, unknown>)[];
}

describe('verify on a data folder', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  const kinds = ['late', 'waiting', 'quarantined', 'missing', 'extra', 'doubled', 'different', 'dangling'];

  /** What was counted, without what is 0. */
  function countsOf(tables: readonly object[]) {
    const counts = (tables as VerifiedTables['tables']).map((table) => [
      table.table,
      Object.fromEntries(kinds.flatMap((kind) => ((table[kind] ?? 0) === 0 ? [] : [[kind, table[kind]]]))),
    ]);
    return Object.fromEntries(counts.filter(([, count]) => Object.keys(Object(count)).length > 0));
  }

  /** By the shop's own queries, as the command has them. */
  async function verifyByHand() {
    const { code, ok, tables } = await stack.json<VerifiedTables>('verify');
    return { code, ok, found: countsOf(tables) };
  }

  /** By what follows from the model. */
  async function verifyGenerated() {
    const { site } = stack;
    const source = await site.connectSource?.();
    if (source === undefined) throw new Error('the data folder has a source');
    const warehouse = await site.connectWarehouse();
    try {
      const { ok, tables } = await verifyWarehouse({
        source,
        warehouse,
        warehouseSchema: 'public',
        model: totesys,
        site,
      });
      return { code: ok ? 0 : 1, ok, found: countsOf(tables) };
    } finally {
      await Promise.all([source.end(), warehouse.end()]);
    }
  }

  /** Both ways have to agree. */
  async function verify() {
    const byHand = await verifyByHand();
    expect(await verifyGenerated()).toEqual(byHand);
    return byHand;
  }

  it('is green and counts as late what was written to the source after the last plan', async () => {
    expect(await verify()).toEqual({ code: 0, ok: true, found: {} });
    await stack.source(`
      update payment set payment_amount = 0.01, last_updated = now() where payment_id in (1, 2, 3);
      update payment set payment_amount = 0.02 where payment_id = 4;
      update department set location = 'Elsewhere' where department_id = (select department_id from staff where staff_id = 1);
      insert into design values (9001, 'New', '/', 'new.json', now(), now());
      insert into payment select 900001, transaction_id, counterparty_id, payment_amount, currency_id, payment_type_id,
        paid, '2031-05-07', company_ac_number, counterparty_ac_number, now(), now() from payment where payment_id = 1`);
    const [staff] = await stack.source<{ staff: number }>(
      `select count(*)::int as staff from staff s join department d using (department_id) where d.location = 'Elsewhere'`,
    );
    expect(await verify()).toEqual({
      code: 0,
      ok: true,
      found: { dim_design: { late: 1 }, dim_staff: { late: staff?.staff }, fact_payment: { late: 5 } },
    });
    expect((await stack.command('verify')).text).toMatch(
      /exact as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC.* 1 row|\d+ rows are late/,
    );
    await stack.run();
    expect(await verify()).toEqual({ code: 0, ok: true, found: {} });
  });

  it('is red for what differs by hand in the warehouse, also where other rows are late', async () => {
    await stack.source('update payment set payment_amount = 0.01 where payment_id = 1');
    await stack.warehouse(`
      update fact_payment set payment_amount = 0.03 where payment_id = 2;
      update dim_staff set last_name = 'Changed' where staff_id = 2;
      delete from fact_sales_order where sales_order_id = 3`);
    expect(await verify()).toEqual({
      code: 1,
      ok: false,
      found: {
        dim_staff: { different: 1 },
        fact_payment: { late: 1, different: 1 },
        fact_sales_order: { missing: 1 },
      },
    });
  });

  it('is green about what is on its way, and red about it once nothing is on its way any more', async () => {
    const blocker = new pg.Client(stack.warehouseUrl);
    await blocker.connect();
    try {
      // Reads are let through, and loads wait.
      await blocker.query('begin; lock table dim_design in share mode');
      await stack.source('update design set file_name = file_name || file_name where design_id in (1, 2)');
      await stack.plan();
      expect(await verify()).toEqual({ code: 0, ok: true, found: { dim_design: { late: 2 } } });
    } finally {
      await blocker.end();
    }
    await stack.run();
    expect(await verify()).toEqual({ code: 0, ok: true, found: {} });
    // As if the queues had lost the load: captured, not loaded, and on no queue.
    await stack.warehouse('update dim_design set file_name = design_id::text where design_id in (1, 2)');
    await stack.warehouse('delete from starlift.object where run = (select max(run) from starlift.object)');
    expect(await verify()).toEqual({ code: 1, ok: false, found: { dim_design: { different: 2 } } });
  });

  it('stays green while a watch loads what a writer edits, and ends exact', async () => {
    let isWriting = true;
    const writing = (async () => {
      for (let n = 0; isWriting; n += 1) {
        await stack.source(`
          update payment set paid = not paid, last_updated = clock_timestamp() where payment_id % 50 = ${n % 50};
          update staff set first_name = 'S${n}' where staff_id = ${(n % 5) + 1};
          insert into design values (${9000 + n}, 'D${n}', '/', '${n}.json', now(), now())`);
      }
    })();
    const watching = (async () => {
      while (isWriting) await stack.run();
    })();
    try {
      let late = 0;
      for (let round = 0; round < 8; round += 1) {
        const { code, ok, found } = await (round % 2 === 0 ? verifyByHand() : verifyGenerated());
        const known = Object.values(found).map((counts) => Object.keys(Object(counts)));
        expect({ code, ok, kinds: [...new Set(known.flat())].filter((kind) => kind !== 'late') }).toEqual({
          code: 0,
          ok: true,
          kinds: [],
        });
        late += known.length;
      }
      // Otherwise nothing was edited meanwhile, and this shows nothing.
      expect(late).toBeGreaterThan(0);
    } finally {
      isWriting = false;
      await Promise.all([writing, watching]);
    }
    await stack.run();
    expect(await verify()).toEqual({ code: 0, ok: true, found: {} });
  });

  it('takes the snapshot of the source last: what a run brings between the two is late, and never extra', async () => {
    const { site } = stack;
    const source = await site.connectSource?.();
    if (source === undefined) throw new Error('the data folder has a source');
    const warehouse = await site.connectWarehouse();
    const begun = new Set<pg.Client>();
    for (const client of [source, warehouse]) {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      const delayed = async (...args: unknown[]) => {
        if (!begun.has(client) && begun.add(client).size === 2) {
          await stack.source(`insert into design values (9001, 'New', '/', 'new.json', now(), now());
            update design set file_name = 'changed' where design_id = 1`);
          await stack.run();
        }
        return query(...args);
      };
      client.query = delayed as unknown as typeof client.query;
    }
    try {
      const report = await verifyWarehouse({
        source,
        warehouse,
        warehouseSchema: 'public',
        model: totesys,
        site,
      });
      expect(begun.size).toBe(2);
      expect(report.tables.find(({ table }) => table === 'dim_design')).toMatchObject({
        late: 2,
        extra: 0,
        different: 0,
      });
      expect(report.ok).toBe(true);
    } finally {
      await source.end();
      await warehouse.end();
    }
  });

  it('counts rows in quarantine, and rows that wait, apart from lost ones', async () => {
    await stack.source(`
      alter table counterparty drop constraint counterparty_legal_address_id_fkey;
      insert into counterparty select 901, 'Nowhere Ltd', 99999, null, null, now(), now();
      update sales_order set counterparty_id = 901, last_updated = now() where sales_order_id in (1, 2);
      update payment set payment_date = 'soon', created_at = '2033-01-01', last_updated = now() where payment_id = 5`);
    await stack.run();
    expect(await verify()).toEqual({
      code: 0,
      ok: true,
      found: {
        dim_counterparty: { quarantined: 1 },
        dim_date: { quarantined: 1 },
        fact_payment: { quarantined: 1 },
        fact_sales_order: { waiting: 2 },
      },
    });
    const { text } = await stack.command('verify');
    expect(text).toContain(`npx starlift waiting --data ${stack.data}`);
    expect(text).toContain(`npx starlift quarantine --data ${stack.data}`);
    // One that waits in another state than the source's is not known to be on its way.
    await stack.warehouse(
      'update starlift.parked_fact_sales_order set units_sold = units_sold + 1 where sales_order_id = 1',
    );
    expect(await verify()).toMatchObject({
      code: 1,
      found: { fact_sales_order: { waiting: 1, missing: 1 } },
    });
  });

  it('keeps what it found, table by table, for status', async () => {
    await stack.source('update payment set payment_amount = 0.01 where payment_id = 1');
    await stack.warehouse(`
      update dim_staff set last_name = 'Changed' where staff_id = 2; alter table dim_design drop file_name cascade`);
    const before = Date.now();
    await stack.command('verify');
    const verified = await readVerified(stack.site.ingested);
    const [staff] = await stack.source<{ staff: number }>('select count(*)::int as staff from staff');
    const [payments] = await stack.source<{ payments: number }>(
      'select count(*)::int - 1 as payments from payment',
    );
    expect(verified).toMatchObject({ exact: false });
    expect(Date.parse(verified?.at ?? '')).toBeGreaterThanOrEqual(before);
    const of = (name: string) => verified?.tables.find(({ table }) => table === name);
    expect(of('dim_staff')).toMatchObject({ result: 'different', rows: staff?.staff });
    expect(of('dim_design')).toMatchObject({ result: 'uncompared' });
    expect(of('fact_payment')).toMatchObject({ result: 'exact', rows: payments?.payments });
    const status = await stack.json<Status>('status');
    expect(status.troubles.filter(({ kind }) => kind === 'different')).toMatchObject([
      { table: 'dim_staff' },
    ]);
    // As of the last plan, which was before.
    expect(Date.parse(of('fact_payment')?.asOf ?? '')).toBeLessThan(before);
  });
});
