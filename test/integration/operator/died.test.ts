import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FailureGroup } from '../../../cli/failures/list-failures.ts';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import { runWorkersInline } from '../../helpers/jest/worker-pool.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from './operated-stack.ts';

runWorkersInline(undefined);

const alive = `select from dim_staff where staff_id = 1 and first_name = 'Alive'`;

describe('a function that is killed at every receive of a message', () => {
  let stack: OperatedStack;
  let report: RunReport;
  beforeAll(async () => {
    // A census of the locked table would die as well: this run takes the first ones, and others are far.
    stack = await OperatedStack.startLoaded({ censusFloorSeconds: 86_400 });
    await stack.run();
    await stack.source(`update design set design_name = 'Deadly' where design_id = 1;
      update staff set first_name = 'Alive' where staff_id = 1`);
    report = await runWithDesignLocked();
  });
  afterAll(() => stack?.stop());

  /**
   * The sessions of loads that wait for the one that holds the table's lock, or for one that waits for it; one whose
   * process is gone does not know it yet. Others wait too, for a moment and for other locks.
   */
  const loadsBlockedBy = async (holder: number) => {
    // In no transaction of its own, for that sees the same activity to its end.
    const rows = await stack.warehouse<{ pid: number }>(`
      with recursive blocked (pid) as (
        select ${holder}
        union
        select a.pid from pg_stat_activity a, blocked b where b.pid = any (pg_blocking_pids(a.pid))
      )
      select pid from pg_stat_activity join blocked using (pid) where application_name = 'starlift-load'`);
    return rows.map(({ pid }) => pid);
  };

  function killWorkers(): void {
    const children = execFileSync('pgrep', ['-f', '-P', String(process.pid), 'workers.worker'], {
      encoding: 'utf8',
    });
    for (const pid of children.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  }

  /**
   * Kills the workers each time that a load waits which did not wait before, until the run is over. How often is not
   * known: one that was idle may be given the message before it is seen to be dead, and that was a receive as well.
   */
  async function killLoadsBlockedBy(holder: number, running: Promise<RunReport>): Promise<RunReport> {
    let isOver = false;
    const noteEnd = () => {
      isOver = true;
    };
    running.then(noteEnd, noteEnd);
    const killed = new Set<number>();
    await seen(async () => {
      if (isOver) return true;
      const fresh = (await loadsBlockedBy(holder)).filter((pid) => !killed.has(pid));
      for (const pid of fresh) killed.add(pid);
      if (fresh.length > 0) killWorkers();
      return false;
    });
    expect(killed.size).toBeGreaterThan(1);
    return running;
  }

  async function runWithDesignLocked(): Promise<RunReport> {
    const warehouse = await stack.site.connectWarehouse();
    try {
      await warehouse.query('begin; lock table dim_design in access exclusive mode');
      const { rows } = await warehouse.query<{ pid: number }>('select pg_backend_pid() as pid');
      let isPlanned = false;
      // A run whose plan is killed fails. A load may begin before the plan has ended; and where nothing moves for 5 s, as
      // on a busy machine, a run would plan once more among the deaths.
      const notePlanned = () => {
        isPlanned = true;
      };
      const running = stack.run(notePlanned, { needsPlan: () => false });
      await seen(() => isPlanned);
      // The load beside it may be the slower one: killed each time as well, it would be a dead letter too.
      await seen(async () => (await stack.warehouse(alive)).length > 0);
      return await killLoadsBlockedBy(rows[0]?.pid ?? Number.NaN, running);
    } finally {
      await warehouse.query('rollback');
      await warehouse.end();
    }
  }

  it('leaves a dead letter with its reason, which is reported, while other tables are loaded', async () => {
    const reason = 'its function died, or ran out of time, at every one of 10 receives';
    expect(report.deadLetters).toMatchObject([
      { queue: 'load', table: 'dim_design', error: 'FunctionDied', reason, attempts: 10, isMoved: false },
    ]);
    expect(report.tables.find(({ table }) => table === 'dim_design')).toMatchObject({ failed: 1 });
    expect(await stack.warehouse(alive)).toHaveLength(1);
    expect(stack.events('Table Failed')).toEqual([
      {
        stage: 'embedded',
        queue: 'load',
        table: 'dim_design',
        error: 'FunctionDied',
        reason,
        key: expect.stringMatching(/^dim_design\/.*-r0\.parquet$/),
        summary: expect.stringMatching(/^Starlift embedded: dim_design failed in load: its function died/),
        firstInHour: true,
      },
    ]);
  });

  it('is mended by a redrive, like any other failure', async () => {
    const { failures } = await stack.json<{ failures: FailureGroup[] }>('failures');
    const redrive = `npx starlift redrive --table dim_design --queue load --data ${stack.data}`;
    expect(failures).toMatchObject([{ table: 'dim_design', count: 1, attempts: 10, redrive }]);
    expect((await stack.command('redrive', '--table', 'dim_design', '--queue', 'load')).code).toBe(0);
    expect((await stack.run()).ok).toBe(true);
    expect(stack.events('Table Recovered')).toMatchObject([{ queue: 'load', table: 'dim_design' }]);
    expect(await stack.differences()).toEqual([]);
  });
});
