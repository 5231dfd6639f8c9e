import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Status } from '../../../cli/status/status.ts';
import { OperatedStack } from './operated-stack.ts';

describe('the views of current rows in a loaded warehouse', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  const sums = `count(*)::int as rows, sum(units_sold)::text as units, sum(unit_price)::text as price`;
  const troubles = async () =>
    (await stack.json<Status>('status')).troubles.map(({ kind, table, text, command }) => [
      kind,
      table,
      text,
      command,
    ]);

  it('answer the natural question as the source does, however often a row was captured', async () => {
    await stack.source(
      `update sales_order set units_sold = units_sold + 1, last_updated = now() where sales_order_id < 50`,
    );
    await stack.run();
    await stack.source(
      `update sales_order set unit_price = 1, last_updated = now() where sales_order_id < 30`,
    );
    await stack.run();
    const [source] = await stack.source(`select ${sums} from sales_order`);
    expect(await stack.warehouse(`select ${sums} from fact_sales_order_current`)).toEqual([source]);
    expect(await stack.warehouse(`select ${sums} from fact_sales_order`)).not.toEqual([source]);
    expect(await stack.differences()).toEqual([]);
    expect((await stack.command('status')).code).toBe(0);
  });

  it('are a finding where one is missing or is somebody else’s', async () => {
    await stack.warehouse(
      'drop view dim_staff_current, dim_design_current; create view dim_design_current as select 1',
    );
    const run = `npx starlift run --data ${stack.data}`;
    expect(await troubles()).toEqual([
      [
        'view',
        'dim_design',
        'public.dim_design_current was made or changed by somebody else, and stays so. To get Starlift\'s, run: alter view "public"."dim_design_current" rename to "dim_design_current_own"',
        run,
      ],
      ['view', 'dim_staff', 'public.dim_staff_current is missing: a run makes what is missing', run],
    ]);
  });
});
