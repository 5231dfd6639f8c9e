import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { FailureGroup } from '../../../cli/operator/list-failures.ts';
import { seen } from '../../e2e/seen.ts';
import { OperatedStack } from './operated-stack.ts';

jest.setTimeout(120_000);

describe('a function that is killed at every receive of a message', () => {
  let stack: OperatedStack;
  beforeAll(async () => {
    stack = await OperatedStack.start();
    await stack.run();
  });
  afterAll(() => stack?.stop());

  /**
   * The sessions of loads that wait for the one that holds the table's lock, or for one that waits for it; one whose
   * process is gone does not know it yet. Others wait too, for a moment and for other locks.
   */
  const loadsBlockedBy = async (holder: number) =>
    // In no transaction of its own, for that sees the same activity to its end.
    stack.warehouse(`
      with recursive blocked (pid) as (
        select ${holder}
        union
        select a.pid from pg_stat_activity a, blocked b where b.pid = any (pg_blocking_pids(a.pid))
      )
      select from pg_stat_activity join blocked using (pid) where application_name = 'starlift-load'`);

  function killWorkers(): void {
    const children = execFileSync('pgrep', ['-f', '-P', String(process.pid), 'workers/worker'], {
      encoding: 'utf8',
    });
    for (const pid of children.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  }

  it('leaves a dead letter with its reason, told of, and the others go on', async () => {
    const warehouse = await stack.target.warehouse();
    await warehouse.query('begin');
    await warehouse.query('lock table dim_design in access exclusive mode');
    const { rows } = await warehouse.query<{ pid: number }>('select pg_backend_pid() as pid');
    const holder = rows[0]?.pid ?? Number.NaN;
    await stack.source(`update design set design_name = 'Deadly' where design_id = 1;
      update staff set first_name = 'Alive' where staff_id = 1`);
    let isPlanned = false;
    const running = stack.run(() => {
      isPlanned = true;
    });
    // A load may begin before the plan has ended, and a run whose plan is killed fails.
    await seen(() => isPlanned);
    for (let receive = 1; receive <= 5; receive++) {
      await seen(async () => (await loadsBlockedBy(holder)).length === receive);
      killWorkers();
    }
    const report = await running;
    await warehouse.query('rollback');
    await warehouse.end();
    const reason = 'its function died, or ran out of time, at every one of 5 receives';
    expect(report.deadLetters).toMatchObject([
      { queue: 'load', table: 'dim_design', error: 'FunctionDied', reason, attempts: 5, isMoved: false },
    ]);
    expect(report.tables.find(({ table }) => table === 'dim_design')).toMatchObject({ failed: 1 });
    expect(await stack.warehouse(`select first_name from dim_staff where staff_id = 1`)).toEqual([
      { first_name: 'Alive' },
    ]);
    expect(stack.events('Table Failed')).toEqual([
      {
        ...{ stage: 'embedded', queue: 'load', table: 'dim_design', error: 'FunctionDied', reason },
        key: expect.stringMatching(/^dim_design\/.*-r0\.parquet$/),
      },
    ]);
  });

  it('is mended by a redrive, as any other failure', async () => {
    const { failures } = await stack.json<{ failures: FailureGroup[] }>('failures');
    const redrive = `npx starlift redrive --table dim_design --queue load --data ${stack.data}`;
    expect(failures).toMatchObject([{ table: 'dim_design', count: 1, attempts: 5, redrive }]);
    expect((await stack.command('redrive', '--table', 'dim_design', '--queue', 'load')).code).toBe(0);
    expect((await stack.run()).ok).toBe(true);
    expect(stack.events('Table Recovered')).toMatchObject([{ queue: 'load', table: 'dim_design' }]);
    expect(await stack.differences()).toEqual([]);
  });
});
