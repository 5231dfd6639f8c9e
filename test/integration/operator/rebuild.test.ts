import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RebuiltTable } from '../../../cli/rebuild/rebuild.ts';
import type { Status } from '../../../cli/status/status.ts';
import { checkTables, type TableCount } from '../../../shared/ledger/table-counts.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
afterEach(() => stack?.stop());

const rebuild = (...args: string[]) =>
  stack.json<{ ok: boolean; tables: RebuiltTable[] }>('rebuild', ...args);

/** What the check of the tables' rows says of one. */
async function stateOf(table: string): Promise<TableCount['state'] | undefined> {
  const client = await stack.site.connectWarehouse();
  try {
    const counts = await checkTables(client, { model: totesys, schema: 'public' }, { mayNote: true });
    return counts.find((count) => count.table === table)?.state;
  } finally {
    await client.end();
  }
}

async function expectExactAndWell(...tables: string[]): Promise<void> {
  expect(await stack.differences()).toEqual([]);
  expect(await stack.json<Status>('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
  for (const table of tables) expect([table, await stateOf(table)]).toEqual([table, 'equal']);
}

async function deleteObjects(zone: 'ingested' | 'processed', table: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of stack.site[zone].list(`${table}/`)) keys.push(key);
  expect(keys).not.toEqual([]);
  for (const key of keys) await stack.site[zone].delete(key);
}

/** All versions of a fact's rows, without what the warehouse gives to them itself. */
const payments = () =>
  stack.warehouse(
    'select payment_id, last_updated_date, last_updated_time, payment_amount from fact_payment order by 1, 2, 3',
  );

describe('a rebuild brings back every row', () => {
  it('of a fact that was dropped, in each version that was loaded', async () => {
    await stack.source(
      `update payment set payment_amount = 12.34, last_updated = now() where payment_id <= 30`,
    );
    await stack.run();
    const before = await payments();
    await stack.warehouse('drop table fact_payment cascade');
    expect(await stateOf('fact_payment')).toBe('missing');
    // Two of rows, and a census.
    expect(await rebuild('fact_payment')).toMatchObject({
      code: 0,
      tables: [{ table: 'fact_payment', isMade: true, loaded: 3, transformed: 0, lost: 0 }],
    });
    expect((await stack.run()).ok).toBe(true);
    expect(await payments()).toEqual(before);
    await expectExactAndWell('fact_payment');
  });

  it('of a fact that was emptied, and of a dimension that was thinned out', async () => {
    expect([await stateOf('fact_payment'), await stateOf('dim_staff')]).toEqual(['equal', 'equal']);
    await stack.warehouse('truncate fact_payment; delete from dim_staff where staff_id > 5');
    // The server's statistics show a delete a moment later.
    await seen(async () => (await stateOf('dim_staff')) === 'different');
    expect(await stateOf('fact_payment')).toBe('different');
    // By its source's name as well.
    expect((await rebuild('payment', 'dim_staff')).tables.map(({ table }) => table)).toEqual([
      'dim_staff',
      'fact_payment',
    ]);
    expect((await stack.run()).ok).toBe(true);
    await expectExactAndWell('fact_payment', 'dim_staff');
  });

  it('of dimensions that were dropped, and with them the rows of facts that came meanwhile', async () => {
    await stack.warehouse('drop table dim_staff, dim_design cascade');
    await stack.source(
      `update sales_order set units_sold = units_sold + 1, last_updated = now() where sales_order_id <= 9`,
    );
    const run = await stack.run();
    expect(run.tables.find(({ table }) => table === 'fact_sales_order')).toMatchObject({
      waiting: 9,
      loaded: 0,
    });
    const { troubles } = await stack.json<Status>('status');
    expect(troubles).toEqual([
      expect.objectContaining({
        kind: 'missing',
        command: expect.stringContaining('rebuild dim_design dim_staff'),
      }),
    ]);
    expect(await stack.troublesOfRun()).toEqual([
      expect.stringContaining('! the warehouse no longer has dim_design'),
      expect.stringContaining('rebuild dim_design dim_staff'),
    ]);
    // Not that no row waits.
    await expect(stack.command('waiting')).rejects.toThrow(
      'the warehouse has no table dim_design, dim_staff',
    );
    await rebuild('dim_design', 'dim_staff');
    await stack.run();
    await expectExactAndWell('dim_design', 'dim_staff', 'fact_sales_order');
  });

  it('of a fact whose old table keeps its rows, and its keys, under another name', async () => {
    await stack.warehouse('alter table fact_sales_order rename to fact_sales_order_backup');
    expect((await rebuild('fact_sales_order')).code).toBe(0);
    expect((await stack.run()).ok).toBe(true);
    await expectExactAndWell('fact_sales_order');
  });

  it('of all tables at once', async () => {
    const names = totesys.tables.map(({ name }) => name);
    await stack.warehouse(`drop table ${names.join(', ')} cascade`);
    expect(await rebuild('--all')).toMatchObject({ code: 0, ok: true });
    expect((await stack.run()).ok).toBe(true);
    await expectExactAndWell('fact_payment', 'fact_sales_order', 'dim_staff');
  });

  it('whose processed object S3 has lost, from the ingested one', async () => {
    await deleteObjects('processed', 'fact_payment');
    await stack.warehouse('truncate fact_payment');
    expect((await rebuild('fact_payment')).tables).toMatchObject([{ loaded: 0, transformed: 1, lost: 0 }]);
    expect((await stack.run()).ok).toBe(true);
    await expectExactAndWell('fact_payment');
  });
});

describe('a rebuild', () => {
  it('is unfinished until the last object is loaded', async () => {
    await stack.warehouse('truncate fact_payment');
    await stack.warehouse('begin; lock table fact_payment in share mode');
    await rebuild('fact_payment');
    expect(await stateOf('fact_payment')).toBe('rebuilding');
    await stack.warehouse('commit');
    await stack.run();
    expect(await stateOf('fact_payment')).toBe('equal');
  });

  it('of a table that S3 has lost names the command that reads it from the source, and that one brings it', async () => {
    await deleteObjects('processed', 'dim_design');
    await deleteObjects('ingested', 'design');
    await stack.warehouse('truncate dim_design');
    const { code, text } = await stack.command('rebuild', 'dim_design');
    expect(code).toBe(1);
    const command = `resync --table design --data ${stack.data}`;
    expect(text).toContain(
      `1 object of it is in neither zone any more. Read it from the source:\n    npx starlift ${command}`,
    );
    expect(await stateOf('dim_design')).toBe('rebuilding');
    expect((await stack.command(...(command.split(' --data')[0]?.split(' ') ?? []))).code).toBe(0);
    expect(await stateOf('dim_design')).toBe('rebuilding');
    expect((await stack.run()).ok).toBe(true);
    await stack.sweep('load');
    await expectExactAndWell('dim_design');
  });

  it('of one table says which others have vanished with it', async () => {
    await stack.warehouse('drop table fact_payment, dim_staff cascade');
    await expect(stack.command('rebuild', 'fact_payment')).rejects.toThrow(
      `the warehouse has lost dim_staff as well. Rebuild them together: npx starlift rebuild fact_payment dim_staff --data ${stack.data}`,
    );
  });

  it('refuses what is not a table of the warehouse', async () => {
    await expect(stack.command('rebuild', 'department')).rejects.toThrow(
      /^department is not a warehouse table; /,
    );
    await expect(stack.command('rebuild')).rejects.toThrow(
      /^name the warehouse tables to rebuild, or pass --all$/,
    );
  });
});
