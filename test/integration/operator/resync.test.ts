import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Status } from '../../../cli/status/status.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
afterEach(() => stack?.stop());

const extracted = async () => {
  const { tables } = await stack.run();
  return Object.fromEntries(
    tables.flatMap(({ source, extracted: rows }) => (rows > 0 ? [[source, rows]] : [])),
  );
};

describe('a resync', () => {
  it('of one table reads that one in full, and the others as ever', async () => {
    const generation = () => stack.warehouse('select max(generation) from starlift.object');
    const before = await generation();
    await stack.warehouse(
      `update dim_staff set first_name = 'wrong'; delete from dim_staff where staff_id = 3`,
    );
    expect(await stack.json('resync', '--table', 'dim_staff')).toMatchObject({ code: 0, tables: ['staff'] });
    const [{ count } = { count: 0 }] = await stack.source<{ count: string }>('select count(*) from staff');
    expect(await extracted()).toEqual({ staff: Number(count) });
    // Nothing of other tables has become older by it.
    expect(await generation()).toEqual(before);
    expect(await stack.differences()).toEqual([]);
    expect(await extracted()).toEqual({});
  });

  it('of everything reads every table in full', async () => {
    await stack.warehouse(
      `update dim_staff set first_name = 'wrong'; update dim_design set file_name = 'wrong'`,
    );
    expect((await stack.command('resync')).code).toBe(0);
    expect(Object.keys(await extracted()).length).toBeGreaterThan(8);
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<Status>('status')).toMatchObject({ code: 0, ok: true });
  });

  it('of a table that fails is made good by the plan that can read it again', async () => {
    await stack.warehouse(`update dim_design set file_name = 'wrong'`);
    await stack.source('alter table design rename to hidden');
    await stack.command('resync', '--table', 'design');
    await stack.run();
    await stack.source('alter table hidden rename to design');
    await stack.run();
    expect(await stack.differences()).toEqual([]);
  });

  it('refuses a table that is made of dates, and names what brings it back', async () => {
    await expect(stack.command('resync', '--table', 'dim_date')).rejects.toThrow(
      /starlift rebuild dim_date brings it back$/,
    );
  });
});
