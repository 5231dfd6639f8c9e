import { afterEach, describe, expect, it } from '@jest/globals';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { versionsOf } from '../../../shared/model/history.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { inSession, runUntilDeleted } from './in-session.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
afterEach(() => stack?.stop());

/** The shop's model with a history of its staff. */
const definition: ModelDefinition = {
  ...totesysDefinition,
  tables: totesysDefinition.tables.flatMap((table) =>
    table.kind === 'dimension' && table.name === 'dim_staff' ? [table, versionsOf(table)] : [table],
  ),
};

const historyOf = (staff: number) =>
  stack.warehouse<{ name: string; isOpen: boolean; follows: boolean }>(
    `select first_name as name, _valid_to is null as "isOpen",
            _valid_from is not distinct from coalesce(lag(_valid_to) over (order by _valid_from), _valid_from) as follows
       from dim_staff_history where staff_id = ${staff} order by _valid_from`,
  );

describe('a dimension whose history is kept', () => {
  it('is switched on later and filled from S3, and shows every version, a delete, and what came of a joined row', async () => {
    stack = await OperatedStack.startLoaded();
    await stack.run();
    await stack.source(`update staff set first_name = 'Second' where staff_id = 1`);
    await stack.run();
    stack = await stack.startAgain({ definition });
    expect(await stack.run()).toMatchObject({ ok: true });
    const [first, ...others] = await historyOf(1);
    expect(first).toMatchObject({ isOpen: false, follows: true });
    expect(first?.name).not.toBe('Second');
    // Read in full once more, it is the same.
    expect(others).toEqual([{ name: 'Second', isOpen: true, follows: true }]);
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });

    await stack.source(`update department set department_name = 'Other' where department_id = (
      select department_id from staff where staff_id = 1)`);
    await stack.run();
    expect(await historyOf(1)).toEqual([
      { ...first, isOpen: false },
      { name: 'Second', isOpen: false, follows: true },
      { name: 'Second', isOpen: true, follows: true },
    ]);
    expect(await stack.differences()).toEqual([]);

    await stack.checkLedger();
    await stack.run();
    await inSession(
      stack,
      `insert into staff select * from jsonb_populate_record(null::staff,
         (select to_jsonb(s) || '{"staff_id": 999, "email_address": "new"}' from staff s where staff_id = 1))`,
    );
    await stack.run();
    expect(await historyOf(999)).toEqual([{ name: 'Second', isOpen: true, follows: true }]);
    await inSession(stack, 'delete from staff where staff_id = 999');
    await runUntilDeleted(stack);
    expect(await historyOf(999)).toEqual([{ name: 'Second', isOpen: false, follows: true }]);
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
    expect(await stack.json<object>('trace', 'dim_staff__versions', '1')).toMatchObject({ ok: true });

    // Rebuilt from S3, it is the same.
    const before = await stack.warehouse('select * from dim_staff_history order by staff_id, _valid_from');
    await stack.warehouse('truncate dim_staff__versions');
    expect(await stack.json<object>('status')).toMatchObject({ ok: false });
    expect((await stack.command('rebuild', 'dim_staff__versions')).code).toBe(0);
    await stack.run();
    const times = (rows: Record<string, unknown>[]) =>
      rows.map(({ _object_id: _, _valid_to: to, ...row }) => ({ ...row, isOpen: to === null }));
    const after = await stack.warehouse('select * from dim_staff_history order by staff_id, _valid_from');
    expect(times(after)).toEqual(times(before));
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
  });
});
