import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runOnStage } from '../../../../cli/run/run-on-stage.ts';
import { makeTerminal } from '../../../../cli/terminal/terminal.ts';
import { captureStateKey } from '../../../../shared/object-store/object-key.ts';
import type { PlannedRun } from '../../../../shared/records/plan/run-record.ts';
import { seen } from '../../../helpers/seen.ts';
import { inSession } from '../in-session.ts';
import { OperatedStack } from '../operated-stack.ts';
import { type StackAsStage, stage, startStackAsStage } from './stack-as-stage.ts';

describe('a run on a stage', () => {
  let staged: StackAsStage;
  let stack: OperatedStack;

  beforeEach(async () => {
    staged = await startStackAsStage(await OperatedStack.startLoaded());
    ({ stack } = staged);
  });
  afterEach(() => staged?.stop());

  it('follows what the schedule has planned just before it', async () => {
    const holder = await stack.site.connectWarehouse();
    // No load gets as far as its row in the ledger: what has one before the run has begun is not the run's to tell.
    await holder.query('begin; lock table starlift.object in access exclusive mode');
    await stack.source(`update design set design_name = 'Scheduled' where design_id = 1`);
    await stack.plan();
    let isBegun = false;
    staged.plan = () => {
      isBegun = true;
      return stack.plan();
    };
    const output = new PassThrough();
    const controller = new AbortController();
    const running = runOnStage(
      stage,
      { isExact: false, interrupted: controller.signal },
      makeTerminal(output, output, false),
    );
    await seen(() => isBegun);
    await holder.query('rollback');
    await holder.end();
    expect(await running).toBe(0);
    expect(String(output.read())).toMatch(/ dim_design +\| design +\| +1 \| +1 \|/);
  });

  it('waits for the censuses that it has sent: what was deleted before is marked after it', async () => {
    await staged.command('run');
    await inSession(stack, 'delete from payment where payment_id in (3, 4)');
    let sent: unknown;
    staged.plan = async () => {
      const planned = (await stack.plan()) as PlannedRun;
      sent = planned.censuses?.map(({ table }) => table);
      return planned;
    };
    // A census that took long on a busy machine rests before the next one.
    await seen(async () => {
      expect(await staged.json('run')).toMatchObject({ code: 0, ok: true });
      return sent !== undefined;
    });
    expect(sent).toEqual(['payment']);
    expect(
      await stack.warehouse(
        'select payment_id as id from fact_payment where _deleted_by is not null order by 1',
      ),
    ).toEqual([{ id: 3 }, { id: 4 }]);
  });

  it('ends at once when it is interrupted, and says that the work goes on', async () => {
    const holder = await stack.site.connectWarehouse();
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set design_name = 'Held up' where design_id = 1`);
    const output = new PassThrough();
    const controller = new AbortController();
    const running = runOnStage(
      stage,
      { isExact: false, interrupted: controller.signal },
      makeTerminal(output, output, false),
    );
    await seen(() => isLocked(stack));
    controller.abort();
    expect(await running).toBe(130);
    expect(String(output.read())).toBe(
      'Stopped following. The work goes on in the stage embedded: see how far it is with npx starlift status --stage embedded --region eu-west-2\n',
    );
    await holder.query('rollback');
    await holder.end();
    await stack.run();
    expect(await stack.differences()).toEqual([]);
  });

  it('ends with an explanation when its source is replaced and its slices are dropped', async () => {
    const { ingested } = stack.site;
    const holder = await stack.site.connectWarehouse();
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set design_name = 'Replaced' where design_id = 1`);
    const running = staged.command('run');
    await seen(() => isLocked(stack));
    const state = (await ingested.get(captureStateKey))?.body ?? Buffer.from('{}');
    const { generation } = JSON.parse(Buffer.from(state).toString()) as { generation: string };
    const later = {
      ...JSON.parse(Buffer.from(state).toString()),
      generation: String(Number(generation) + 1),
    };
    await ingested.put(captureStateKey, Buffer.from(JSON.stringify(later)));
    await expect(running).rejects.toThrow(
      'the source was restarted or replaced during the run, and is captured in full again: follow that with npx starlift run --stage embedded',
    );
    await ingested.put(captureStateKey, state);
    await holder.query('rollback');
    await holder.end();
  });

  it('says why its plan fails', async () => {
    staged.plan = () => Promise.reject(new TypeError('the state is corrupt'));
    await expect(staged.command('run')).rejects.toThrow('plan: the state is corrupt');
    staged.plan = () => stack.plan();
  });
});

async function isLocked(stack: OperatedStack): Promise<boolean> {
  const rows = await stack.warehouse(
    `select from pg_locks where relation = 'dim_design'::regclass and not granted`,
  );
  return rows.length > 0;
}
