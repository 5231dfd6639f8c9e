import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { FailureGroup } from '../../../cli/operator/list-failures.ts';
import type { Redriven } from '../../../cli/operator/redrive.ts';
import type { Status } from '../../../cli/status/status.ts';
import { lastJson, starlift } from '../../helpers/starlift.ts';
import { OperatedStack } from './operated-stack.ts';

jest.setTimeout(120_000);

interface Failures {
  ok: boolean;
  failures: FailureGroup[];
}
interface Redrive {
  redriven: Redriven[];
}

describe('what has failed for good', () => {
  let stack: OperatedStack;
  beforeAll(async () => {
    stack = await OperatedStack.start();
    await stack.run();
  });
  afterAll(() => stack?.stop());

  const failures = (...args: string[]) => stack.json<Failures>('failures', ...args);
  const redrive = (...args: string[]) => stack.json<Redrive>('redrive', ...args);
  const outcomes = ({ redriven }: Redrive) =>
    redriven.map(({ queue, table, outcome }) => [queue, table, outcome]);

  it('is nothing on a stack where all is well', async () => {
    expect(await failures()).toEqual({ code: 0, ok: true, failures: [] });
    expect(await redrive()).toMatchObject({ code: 0, redriven: [] });
    expect((await stack.command('status')).code).toBe(0);
  });

  it('is not a column that is new: status names it, and all goes on', async () => {
    await stack.source(`alter table payment_type add column colour text`);
    await stack.run();
    const status = await stack.json<Status>('status');
    expect(status).toMatchObject({ code: 0, ok: true, troubles: [] });
    expect(status.run?.warnings).toEqual([
      'public.payment_type has columns that the model does not take: colour',
    ]);
    expect((await stack.command('status')).text).toContain('warning: public.payment_type has columns');
  });

  describe('a column that is gone from the source', () => {
    it('fails its table alone, and the operator sees the reason and the way back', async () => {
      await stack.source(`
        alter table transaction rename column transaction_type to kind;
        insert into transaction select 90001, 'SALE', null, null, now(), now();
        insert into payment select 90001, 90001, counterparty_id, payment_amount, currency_id, payment_type_id, paid,
          payment_date, company_ac_number, counterparty_ac_number, now(), now() from payment where payment_id = 1;
        update design set design_name = 'Still on its way' where design_id = 1`);
      const report = await stack.run();
      expect(report.ok).toBe(false);
      expect(await stack.warehouse(`select design_name from dim_design where design_id = 1`)).toEqual([
        { design_name: 'Still on its way' },
      ]);
      const { code, failures: groups } = await failures();
      expect(code).toBe(1);
      expect(groups).toEqual([
        expect.objectContaining({
          ...{ table: 'transaction', queue: 'extract', error: 'TerminalError', count: 1, attempts: 1 },
          reason: 'public.transaction has no column transaction_type',
          redrive: `npx starlift redrive --table transaction --queue extract --data ${stack.data}`,
        }),
      ]);
      expect(groups[0]?.messages[0]?.key).toMatch(/^failed\/.*\.json$/);
    });

    it('is named by status with the facts that wait for it', async () => {
      const status = await stack.json<Status>('status');
      expect(status.code).toBe(1);
      expect(status.troubles).toEqual([
        {
          ...{ kind: 'failed', table: 'transaction' },
          text: 'transaction failed in extract: public.transaction has no column transaction_type',
          command: `npx starlift redrive --table transaction --queue extract --data ${stack.data}`,
        },
        {
          ...{ kind: 'waiting', table: 'fact_payment' },
          text: '1 row of fact_payment waits for dim_transaction 90001, whose table has failed',
          command: `npx starlift redrive --table dim_transaction --data ${stack.data}`,
        },
      ]);
      const byTable = (name: string) => status.tables.find(({ table }) => table === name);
      expect(byTable('dim_transaction')).toMatchObject({ deadLetters: 1, waiting: 0 });
      expect(byTable('fact_payment')).toMatchObject({ deadLetters: 0, waiting: 1 });
      // What the table has is of the last run that took it; the others are as new as the last plan.
      const asOf = (name: string) => Date.parse(byTable(name)?.snapshotAt ?? '');
      expect(asOf('dim_transaction')).toBeLessThan(asOf('dim_staff'));
      expect(status.queues).toContainEqual(expect.objectContaining({ queue: 'extract', deadLetters: 1 }));
    });

    it('is found by either name of the table, and by its queue, and by no other', async () => {
      expect((await failures('--table', 'dim_transaction')).failures).toHaveLength(1);
      expect((await failures('--table', 'transaction', '--queue', 'extract')).failures).toHaveLength(1);
      expect((await failures('--queue', 'load')).failures).toEqual([]);
      expect((await failures('--table', 'staff')).code).toBe(0);
    });

    it('stays where it is in a dry run, and for a table that is not meant', async () => {
      expect(outcomes(await redrive('--dry-run'))).toEqual([['extract', 'transaction', 'would be sent']]);
      expect(outcomes(await redrive('--table', 'staff'))).toEqual([]);
      expect((await failures()).failures).toHaveLength(1);
    });

    it('fails again when it is sent back too early, and is one failure still', async () => {
      expect(outcomes(await redrive())).toEqual([['extract', 'transaction', 'sent']]);
      await stack.run();
      expect((await failures()).failures).toEqual([
        expect.objectContaining({ table: 'transaction', count: 1 }),
      ]);
    });

    it('is shown from its record in S3 when its dead letter has expired', async () => {
      const { sqs, deadLetterUrl } = stack.target;
      await sqs.send(new PurgeQueueCommand({ QueueUrl: deadLetterUrl('extract') }));
      const { code, failures: groups } = await failures();
      expect(code).toBe(1);
      expect(groups[0]?.messages).toEqual([expect.objectContaining({ expired: true })]);
    });

    it('comes back from that record once the source is mended, and the waiting facts with it', async () => {
      await stack.source('alter table transaction rename column kind to transaction_type');
      expect(outcomes(await redrive('--table', 'dim_transaction'))).toEqual([
        ['extract', 'transaction', 'sent'],
      ]);
      expect((await stack.run()).ok).toBe(true);
      expect(await failures()).toMatchObject({ code: 0, failures: [] });
      expect((await stack.command('status')).code).toBe(0);
      expect(await stack.differences()).toEqual([]);
      const left: string[] = [];
      for await (const { key } of stack.target.ingested.list('failed/')) left.push(key);
      expect(left).toEqual([]);
    });
  });

  it('a constraint of the warehouse stops one load, which lands after the redrive', async () => {
    await stack.warehouse(
      `alter table dim_staff add constraint no_bob check (first_name <> 'Bob') not valid`,
    );
    await stack.source(`update staff set first_name = 'Bob' where staff_id = 2;
      update department set location = 'Harrogate' where department_id = 1`);
    await stack.run();
    const { failures: groups } = await failures('--table', 'staff');
    expect(groups).toEqual([
      expect.objectContaining({
        ...{ table: 'dim_staff', queue: 'load', count: 1 },
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

  it('a message that is no JSON names no table, and can be sent back by its id alone', async () => {
    const { sqs, queueUrl } = stack.target;
    for (const body of ['not JSON', '{"Records":"none"}']) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl('transform'), MessageBody: body }));
    }
    await stack.run();
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

  it('are the same to a process of its own when none runs on the folder, and a redrive waits for the next run', async () => {
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
