import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type {
  AttentionAnswer,
  ConsoleInfo,
  ObjectAnswer,
  SqlAnswer,
} from '../../../../cli/console/answers/api.ts';
import { openLook } from '../../../../cli/console/look.ts';
import type { ZoneObject } from '../../../../cli/objects/list-objects.ts';
import type { Trace } from '../../../../cli/trace/trace.ts';
import { type ConsoleUnderTest, startConsoleAt } from '../../console/console-under-test.ts';
import { OperatedStack } from '../operated-stack.ts';
import { type StackAsStage, stage, startStackAsStage } from './stack-as-stage.ts';

describe('the console on a stage', () => {
  let staged: StackAsStage;
  let served: ConsoleUnderTest;
  const acted: string[] = [];
  beforeAll(async () => {
    staged = await startStackAsStage(await OperatedStack.startLoaded());
    await staged.plan();
    served = await startConsoleAt(
      { stage: stage.stage },
      {
        allowsActions: true,
        run: async (words) => {
          acted.push(words.join(' '));
          const { code, text } = await staged.command(words.slice(0, -2).join(' '));
          return { code, output: text };
        },
      },
    );
  });
  afterAll(async () => {
    await served?.close();
    await staged?.stop();
  });

  it('shows what the commands show of the stage, and is looked at for as long as somebody listens', async () => {
    const { status, isLive } = await served.untilSnapshot(({ status }) => status?.ok === true);
    expect(isLive).toBe(true);
    const printed = await staged.json<{ tables: { table: string; rows: number }[] }>('status');
    const rowsOf = (tables: readonly { table: string; rows: number | null }[]) =>
      tables.map(({ table, rows }) => [table, rows]);
    expect(rowsOf(status?.tables ?? [])).toEqual(rowsOf(printed.tables));
    expect(await served.ask<ConsoleInfo>('/api/info')).toMatchObject({ selector: ' --stage embedded' });
    const { runs } = await staged.json<{ runs: unknown[] }>('runs');
    expect(await served.ask('/api/runs')).toMatchObject({ runs });
    const { code: _, ...traced } = await staged.json<Trace>('trace fact_payment 3');
    expect(traced.verdict).toMatchObject({ kind: 'same' });
    expect(await served.ask('/api/trace?table=fact_payment&key=3')).toEqual(traced);
    const { objects } = await staged.json<{ objects: ZoneObject[] }>('objects --table payment');
    const { shown, others } = await served.ask<ObjectAnswer>(`/api/object?key=${objects[0]?.key}`);
    expect([shown.problem, others.length]).toEqual([null, 2]);
    const { text } = await served.send('/api/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'select count(*) from fact_payment_current' }),
    });
    const [payments] = await staged.stack.source<{ n: string }>('select count(*) as n from payment');
    expect((JSON.parse(text) as SqlAnswer).rows).toEqual([[payments?.n]]);
  });

  it('shows what failed, with the command for this stage, which its button runs', async () => {
    const { stack } = staged;
    await stack.source(`update currency set currency_code = 'BAD' where currency_id = 1`);
    await stack.warehouse(`alter table dim_currency add constraint poison check (currency_code <> 'BAD')`);
    expect(await staged.command('run')).toMatchObject({ code: 1 });
    const command = 'npx starlift redrive --table dim_currency --queue load --stage embedded';
    const seen = await served.untilSnapshot(({ status }) => status?.ok === false);
    expect(seen.status?.troubles).toMatchObject([{ kind: 'failed', table: 'dim_currency', command }]);
    const { failures } = await served.ask<AttentionAnswer>('/api/attention');
    expect(failures).toMatchObject({ answered: true, value: [{ mend: command }] });
    await stack.warehouse('alter table dim_currency drop constraint poison');
    const reply = await served.send('/api/act', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command }),
    });
    expect(JSON.parse(reply.text)).toMatchObject({ code: 0 });
    expect(acted).toEqual(['redrive --table dim_currency --queue load --stage embedded']);
    expect(await staged.json('run')).toMatchObject({ code: 0, ok: true });
    await served.untilSnapshot(({ status }) => status?.ok === true);
  });

  it('is refused where there is no such stage, before a page is served', async () => {
    const stacks = { ...staged.stacks };
    for (const name of Object.keys(stacks)) delete staged.stacks[name];
    try {
      await expect(openLook({ stage: stage.stage })).rejects.toThrow(
        /^there is no stage embedded in [\w-]+: choose another region with --region, or create the stage/,
      );
    } finally {
      Object.assign(staged.stacks, stacks);
    }
  });
});
