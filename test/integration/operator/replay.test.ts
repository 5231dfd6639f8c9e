import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ReplayedTable } from '../../../cli/replay/replay.ts';
import { OperatedStack } from './operated-stack.ts';

interface Replayed {
  replay: string | null;
  tables: ReplayedTable[];
}

const allTables = [
  ...['dim_counterparty', 'dim_currency', 'dim_date', 'dim_design', 'dim_location', 'dim_payment_type'],
  ...['dim_staff', 'dim_transaction', 'fact_payment', 'fact_purchase_order', 'fact_sales_order'],
];

describe('a replay', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
    // A second object of some tables, and a second version of a fact.
    await stack.source(`update department set location = 'Ripon' where department_id = 1;
      update design set design_name = 'Newer' where design_id = 1;
      update payment set payment_amount = 12.34, last_updated = now() where payment_id = 1`);
    await stack.run();
  });
  afterEach(() => stack?.stop());

  const replay = (...args: string[]) => stack.json<Replayed>('replay', ...args);

  /** A checksum of a table's rows, without what the warehouse gives to them itself. */
  const contentOf = async (table: string) => {
    const own = { fact_payment: 'payment', fact_purchase_order: 'purchase', fact_sales_order: 'sales' }[
      table
    ];
    const left = [...(own === undefined ? [] : [`${own}_record_id`]), '_object_id'];
    const [row] = await stack.warehouse<{ content: string }>(
      `select count(*) || ' ' || md5(string_agg(row, '|' order by row)) as content
       from (select (to_jsonb(t) - array['${left.join("','")}'])::text as row from ${table} t) rows`,
    );
    return row?.content;
  };
  const contents = async () =>
    Object.fromEntries(await Promise.all(allTables.map(async (table) => [table, await contentOf(table)])));
  const ledger = () => stack.warehouse(`select object_id, key from starlift.object order by object_id`);

  it('of all tables rebuilds an emptied warehouse from S3 alone, and gives no ledger id a second time', async () => {
    const [before, entries] = [await contents(), await ledger()];
    // Facts first, so that they wait for their dimensions.
    const facts = allTables.toReversed();
    await stack.warehouse(`truncate ${facts.join(', ')}`);
    for (const table of facts) expect((await replay('--table', table)).code).toBe(0);
    await stack.run();
    const after = await contents();
    // The calendar's objects hold the dates that facts name; a run fills the years around them.
    expect({ ...after, dim_date: 0 }).toEqual({ ...before, dim_date: 0 });
    expect(await stack.differences()).toEqual([]);
    expect(await ledger()).toEqual(entries);
    expect(await stack.warehouse('select from starlift.parked_fact_payment')).toEqual([]);
  });

  it('of a complete warehouse changes no business column, from either zone', async () => {
    const [before, entries] = [await contents(), await ledger()];
    for (const table of allTables) await replay('--table', table);
    await stack.run();
    expect(await contents()).toEqual(before);
    expect(await ledger()).toEqual(entries);
    for (const table of ['payment', 'staff', 'fact_sales_order', 'dim_design']) {
      expect(await replay('--table', table, '--zone', 'ingested')).toMatchObject({ code: 0 });
    }
    await stack.run();
    // New objects make the run fill the calendar's years again, which is more than the objects hold.
    expect({ ...(await contents()), dim_date: 0 }).toEqual({ ...before, dim_date: 0 });
    expect(await stack.differences()).toEqual([]);
    const again = (await ledger()).slice(entries.length) as { key: string }[];
    expect(again.length).toBeGreaterThanOrEqual(6);
    // Censuses that were due have come in since, as well.
    for (const { key } of again) expect(key).toMatch(/-r1\.parquet$|^\.census\//);
    expect((await stack.command('status')).code).toBe(0);
  });

  it('of the ingested zone loads what the transform makes now, and of the processed zone what it made then', async () => {
    // As a transform with an error had left it, before it was mended.
    await stack.warehouse(
      `update dim_staff set first_name = 'Wrong'; update fact_payment set paid = not paid`,
    );
    await replay('--table', 'staff');
    await stack.run();
    expect(await stack.warehouse(`select from dim_staff where first_name = 'Wrong' limit 1`)).toHaveLength(1);
    await replay('--table', 'dim_staff', '--zone', 'ingested');
    await replay('--table', 'fact_payment', '--zone', 'ingested');
    await stack.run();
    expect(await stack.differences()).toEqual([]);
  });

  it('takes the highest revision of each slice within the days that the command names', async () => {
    const today = new Date().toISOString().slice(0, 10);
    for (const _again of [1, 2]) {
      await replay('--table', 'payment', '--zone', 'ingested');
      await stack.run();
    }
    // Two runs, each transformed three times.
    const tables = [{ table: 'fact_payment', objects: 2, lost: 0 }];
    expect(await replay('--table', 'fact_payment', '--dry-run')).toEqual({
      code: 0,
      ok: true,
      dryRun: true,
      zone: 'processed',
      replay: null,
      tables,
    });
    expect(
      await replay('--table', 'payment', '--dry-run', '--from', '2020-01-01', '--to', '2020-12-31'),
    ).toMatchObject({
      tables: [{ table: 'fact_payment', objects: 0 }],
    });
    expect(await replay('--table', 'payment', '--dry-run', '--to', '2020-12-31')).toMatchObject({
      tables: [{ objects: 0 }],
    });
    expect(
      await replay('--table', 'payment', '--dry-run', '--from', '2020-01-01', '--to', today),
    ).toMatchObject({
      tables,
    });
    const { text } = await stack.command('replay', '--table', 'payment', '--zone', 'ingested', '--dry-run');
    expect(text).toBe('2 objects of payment would be sent to be transformed again\n');
  });

  it('brings back waiting rows that an operator has dropped', async () => {
    await stack.source(`alter table payment drop constraint payment_currency_id_fkey;
      update payment set currency_id = 55 where payment_id = 3`);
    await stack.run();
    expect((await stack.command('waiting', '--drop')).code).toBe(0);
    await replay('--table', 'fact_payment');
    await stack.run();
    await stack.source(`insert into currency values (55, 'SEK', now(), now())`);
    await stack.run();
    expect(await stack.differences()).toEqual([]);
  });

  it('leaves it to a rebuild to bring back a table that was dropped, and status says so', async () => {
    await stack.warehouse('drop table fact_payment cascade');
    const { code, text } = await stack.command('status');
    expect(code).toBe(1);
    expect(text).toContain('! the warehouse no longer has fact_payment: ');
    expect(text).toContain(`npx starlift rebuild fact_payment --data ${stack.data}`);
    await expect(stack.command('waiting')).rejects.toThrow(
      'the warehouse has no table fact_payment, so what waits is unknown',
    );
    expect((await stack.command('quarantine')).code).toBe(0);
  });
});
