import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Status } from '../../../cli/status/status.ts';
import { lastJson, starlift } from '../../helpers/processes/starlift.ts';
import { type Failures, failureCommands, outcomes, type Redrive } from './failure-commands.ts';
import { OperatedStack } from './operated-stack.ts';

describe('what has failed for good', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  const { failures, redrive } = failureCommands(() => stack);

  /** Two messages that no transform can read become dead letters. */
  async function failUnreadable(): Promise<void> {
    const { sqs, queueUrl } = stack.site;
    for (const body of ['not JSON', '{"Records":"none"}']) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl('transform'), MessageBody: body }));
    }
    await stack.run();
  }

  it('is nothing on a stack where all is well', async () => {
    expect(await failures()).toEqual({ code: 0, ok: true, failures: [] });
    expect(await redrive()).toMatchObject({ code: 0, redriven: [] });
    expect((await stack.command('status')).code).toBe(0);
  });

  it('is not a column that is new: status names it, and every table is still loaded', async () => {
    await stack.source(`alter table payment_type add column colour text`);
    await stack.run();
    const status = await stack.json<Status>('status');
    expect(status).toMatchObject({ code: 0, ok: true, troubles: [] });
    expect(status.run?.warnings).toEqual([
      'public.payment_type has columns that the model does not use: colour',
    ]);
    expect((await stack.command('status')).text).toContain('warning: public.payment_type has columns');
  });

  it('is a load that a constraint of the warehouse refuses, until its redrive', async () => {
    await stack.warehouse(
      `alter table dim_staff add constraint no_bob check (first_name <> 'Bob') not valid`,
    );
    await stack.source(`update staff set first_name = 'Bob' where staff_id = 2;
      update department set location = 'Harrogate' where department_id = 1`);
    await stack.run();
    const { failures: groups } = await failures('--table', 'staff');
    expect(groups).toEqual([
      expect.objectContaining({
        table: 'dim_staff',
        queue: 'load',
        count: 1,
        reason: expect.stringMatching(/no_bob.*SQLSTATE 23514/),
      }),
    ]);
    // The row's values are in Postgres' DETAIL, which goes nowhere.
    expect(JSON.stringify(groups)).not.toContain('Bob');
    await stack.warehouse('alter table dim_staff drop constraint no_bob');
    const [message] = groups[0]?.messages ?? [];
    expect(outcomes(await redrive('--message', message?.messageId ?? ''))).toEqual([
      ['load', 'dim_staff', 'sent'],
    ]);
    await stack.run();
    expect((await failures()).code).toBe(0);
    expect(await stack.differences()).toEqual([]);
  });

  it('is a message that is not JSON: it names no table, and is sent back by its id', async () => {
    await failUnreadable();
    const { failures: groups } = await failures();
    expect(groups.map(({ table, queue, reason }) => [table, queue, reason]).sort()).toEqual([
      [null, 'transform', 'the message is no S3 event: it has no Records'],
      [null, 'transform', 'the message is not JSON'],
    ]);
    const notJson = groups.find(({ reason }) => reason === 'the message is not JSON');
    const id = notJson?.messages[0]?.messageId ?? '';
    expect(notJson?.redrive).toBe(`npx starlift redrive --message ${id} --data ${stack.data}`);
    expect(outcomes(await redrive('--message', id))).toEqual([['transform', null, 'sent']]);
    await stack.run();
    expect((await failures()).failures).toHaveLength(2);
    const { text } = await stack.command('failures');
    expect(text).toContain('! (no table), transform: TerminalError: the message is not JSON');
  });

  it('is the same for a command while no run uses the folder, and a redrive waits for the next run', async () => {
    await failUnreadable();
    const { failures: groups } = await failures();
    await stack.release();
    const run = (...args: string[]) => starlift([...args, '--data', stack.data, '--json']);
    const listed = await run('failures');
    expect(listed.code).toBe(1);
    expect(lastJson<Failures>(listed).failures).toEqual(groups);
    expect(lastJson<Redrive>(await run('redrive', '--queue', 'transform')).redriven).toHaveLength(2);
    expect((await run('failures')).code).toBe(0);
    const status = lastJson<Status>(await run('status'));
    expect(status.queues).toContainEqual(
      expect.objectContaining({ queue: 'transform', ready: 2, deadLetters: 0 }),
    );
  });
});
