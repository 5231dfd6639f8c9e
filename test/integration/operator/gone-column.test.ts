import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import type { Status } from '../../../cli/status/status.ts';
import { failureCommands, outcomes } from './failure-commands.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
const { failures, redrive } = failureCommands(() => stack);

/** One run in which a column of `transaction` is gone and a new payment names a new transaction. */
async function startWithoutColumn(): Promise<RunReport> {
  stack = await OperatedStack.startLoaded();
  await stack.source(`
    alter table transaction rename column transaction_type to kind;
    insert into transaction select 90001, 'SALE', null, null, now(), now();
    insert into payment select 90001, 90001, counterparty_id, payment_amount, currency_id, payment_type_id, paid,
      payment_date, company_ac_number, counterparty_ac_number, now(), now() from payment where payment_id = 1;
    update design set design_name = 'Still on its way' where design_id = 1`);
  return stack.run();
}

describe('a column that is gone from the source', () => {
  let report: RunReport;
  beforeAll(async () => {
    report = await startWithoutColumn();
  });
  afterAll(() => stack?.stop());

  it('fails its table alone, and the operator sees the reason and the way back', async () => {
    expect(report.ok).toBe(false);
    expect(await stack.warehouse(`select design_name from dim_design where design_id = 1`)).toEqual([
      { design_name: 'Still on its way' },
    ]);
    const { code, failures: groups } = await failures();
    expect(code).toBe(1);
    expect(groups).toEqual([
      expect.objectContaining({
        table: 'transaction',
        queue: 'extract',
        error: 'TerminalError',
        count: 1,
        attempts: 1,
        reason: 'public.transaction has no column transaction_type',
        redrive: `npx starlift redrive --table transaction --queue extract --data ${stack.data}`,
      }),
    ]);
    expect(groups[0]?.messages[0]?.key).toMatch(/^failed\/.*\.json$/);
  });

  it('appears in status, with the facts that wait for its table', async () => {
    const status = await stack.json<Status>('status');
    expect(status.code).toBe(1);
    expect(status.troubles).toEqual([
      {
        kind: 'failed',
        table: 'transaction',
        text: 'transaction failed in extract: public.transaction has no column transaction_type',
        command: `npx starlift redrive --table transaction --queue extract --data ${stack.data}`,
      },
      {
        kind: 'waiting',
        table: 'fact_payment',
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

  it('is found by the name of the source or the warehouse table and by its queue, and by no other', async () => {
    expect((await failures('--table', 'dim_transaction')).failures).toHaveLength(1);
    expect((await failures('--table', 'transaction', '--queue', 'extract')).failures).toHaveLength(1);
    expect((await failures('--queue', 'load')).failures).toEqual([]);
    expect((await failures('--table', 'staff')).code).toBe(0);
  });

  it('stays a dead letter when a redrive is a dry run or names another table', async () => {
    expect(outcomes(await redrive('--dry-run'))).toEqual([['extract', 'transaction', 'would be sent']]);
    expect(outcomes(await redrive('--table', 'staff'))).toEqual([]);
    expect((await failures()).failures).toHaveLength(1);
  });
});

describe('the dead letter of a column that is gone', () => {
  beforeEach(async () => {
    await startWithoutColumn();
  });
  afterEach(() => stack?.stop());

  const expireDeadLetters = async () => {
    const { sqs, deadLetterUrl } = stack.site;
    await sqs.send(new PurgeQueueCommand({ QueueUrl: deadLetterUrl('extract') }));
  };

  it('fails again when it is sent back too early, and is still one failure', async () => {
    expect(outcomes(await redrive())).toEqual([['extract', 'transaction', 'sent']]);
    await stack.run();
    expect((await failures()).failures).toEqual([
      expect.objectContaining({ table: 'transaction', count: 1 }),
    ]);
  });

  it('is shown from its record in S3 once it has expired', async () => {
    await expireDeadLetters();
    const { code, failures: groups } = await failures();
    expect(code).toBe(1);
    expect(groups[0]?.messages).toEqual([expect.objectContaining({ expired: true })]);
  });

  it('is sent again from that record once the source is mended, and the waiting facts land with it', async () => {
    await expireDeadLetters();
    await stack.source('alter table transaction rename column kind to transaction_type');
    expect(outcomes(await redrive('--table', 'dim_transaction'))).toEqual([
      ['extract', 'transaction', 'sent'],
    ]);
    expect((await stack.run()).ok).toBe(true);
    expect(await failures()).toMatchObject({ code: 0, failures: [] });
    expect((await stack.command('status')).code).toBe(0);
    expect(await stack.differences()).toEqual([]);
    const left: string[] = [];
    for await (const { key } of stack.site.ingested.list('failed/')) left.push(key);
    expect(left).toEqual([]);
  });
});
