import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Status } from '../../../cli/status/status.ts';
import type { ExplainedWait } from '../../../cli/waiting/explain-waits.ts';
import type { RefusedRows } from '../../../cli/waiting/refused-rows.ts';
import { OperatedStack } from './operated-stack.ts';

interface Waiting {
  waiting: ExplainedWait[];
  refused: RefusedRows[];
}

describe('facts that wait', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  const waiting = (...args: string[]) => stack.json<Waiting>('waiting', ...args);

  /** From now on a payment may name a currency that is not there. */
  const dropCurrencyKey = () => stack.source('alter table payment drop constraint payment_currency_id_fkey');

  it('for a row in quarantine name that row as the cause', async () => {
    await stack.source(`
      alter table counterparty drop constraint counterparty_legal_address_id_fkey;
      insert into counterparty select 901, 'Nowhere Ltd', 99999, null, null, now(), now();
      update sales_order set counterparty_id = 901 where sales_order_id in (1, 2)`);
    await stack.run();
    const listed = await waiting();
    expect(listed).toEqual({
      code: 1,
      ok: false,
      refused: [],
      waiting: [
        {
          table: 'fact_sales_order',
          column: 'counterparty_id',
          dimension: 'dim_counterparty',
          key: '901',
          rows: 2,
          cause: 'quarantined',
          mend: `npx starlift quarantine release --table dim_counterparty --data ${stack.data}`,
        },
      ],
    });
    const { troubles } = await stack.json<Status>('status');
    expect(troubles.map(({ text }) => text)).toContain(
      '2 rows of fact_sales_order wait for dim_counterparty 901, which broke the contract and is in quarantine',
    );
    expect((await stack.command('quarantine', 'drop', '--table', 'counterparty')).code).toBe(0);
    expect((await waiting()).waiting).toMatchObject([
      { cause: 'dropped', mend: `npx starlift waiting --drop --table fact_sales_order --data ${stack.data}` },
    ]);
    await stack.source('update counterparty set legal_address_id = 1 where counterparty_id = 901');
    await stack.run();
    expect(await waiting()).toMatchObject({ code: 0, waiting: [] });
    expect(await stack.differences()).toEqual([]);
  });

  it('for a row that the source no longer has name that row, and an operator can drop them', async () => {
    await dropCurrencyKey();
    await stack.source('update payment set currency_id = 77 where payment_id in (7, 8, 9)');
    await stack.run();
    expect(await waiting('--table', 'currency')).toMatchObject({
      code: 1,
      waiting: [{ table: 'fact_payment', dimension: 'dim_currency', key: '77', rows: 3, cause: 'deleted' }],
    });
    expect(await waiting('--table', 'dim_staff')).toMatchObject({ code: 0, waiting: [] });
    const { text } = await stack.command('status');
    expect(text).toContain(
      '3 rows of fact_payment wait for dim_currency 77, which the source does not have: it can never arrive',
    );
    expect(await stack.json('waiting', '--drop', '--table', 'dim_staff')).toMatchObject({ dropped: [] });
    const dropped = await stack.command('waiting', '--drop', '--table', 'payment');
    expect(dropped.code).toBe(0);
    expect(dropped.text).toMatch(/3 rows of fact_payment wait .*\n3 rows of fact_payment dropped/);
    expect(await waiting()).toMatchObject({ code: 0, waiting: [] });
    expect(await stack.warehouse('select count(*)::int from starlift.parked_fact_payment')).toEqual([
      { count: 0 },
    ]);
  });

  it('that the warehouse refuses when their dimension lands are listed with its reason, and hold up nothing else', async () => {
    await dropCurrencyKey();
    await stack.source('update payment set currency_id = 78 where payment_id in (10, 11)');
    await stack.run();
    await stack.warehouse('alter table fact_payment add constraint no_francs check (currency_id <> 78)');
    await stack.source(`insert into currency select 78, 'CHF', now(), now()`);
    const report = await stack.run();
    expect(report.ok).toBe(false);
    expect(report.deadLetters).toEqual([]);
    expect(await stack.warehouse('select currency_code from dim_currency where currency_id = 78')).toEqual([
      { currency_code: 'CHF' },
    ]);
    const reason =
      'new row for relation "fact_payment" violates check constraint "no_francs" (SQLSTATE 23514)';
    const mend = `npx starlift replay --table dim_currency --data ${stack.data}`;
    expect(await waiting()).toEqual({
      code: 1,
      ok: false,
      waiting: [],
      refused: [
        { table: 'fact_payment', rows: 2, reason, mend, since: expect.stringMatching(/^\d{4}-.*Z$/) },
      ],
    });
    const text = `2 rows of fact_payment wait for no dimension row any more, but the warehouse refuses them: ${reason}`;
    const status = await stack.json<Status>('status');
    expect(status.troubles).toEqual([{ kind: 'refused', table: 'fact_payment', text, command: mend }]);
    await stack.warehouse('alter table fact_payment drop constraint no_francs');
    expect((await stack.command('replay', '--table', 'dim_currency')).code).toBe(0);
    expect((await stack.run()).ok).toBe(true);
    expect((await stack.command('status')).code).toBe(0);
    expect(await stack.warehouse('select payment_id from fact_payment where currency_id = 78')).toHaveLength(
      2,
    );
  });

  it('that the warehouse refuses can be dropped too, and a replay brings them back once it accepts them', async () => {
    await dropCurrencyKey();
    await stack.source('update payment set currency_id = 79 where payment_id in (12, 13)');
    await stack.run();
    await stack.warehouse('alter table fact_payment add constraint no_crowns check (currency_id <> 79)');
    await stack.source(`insert into currency select 79, 'DKK', now(), now()`);
    await stack.run();
    expect((await stack.command('waiting')).text).toContain(
      `To give up on these rows: npx starlift waiting --drop --data ${stack.data}`,
    );
    expect((await stack.command('waiting', '--drop', '--table', 'dim_currency')).text).toBe(
      'No row is waiting: nothing to drop.\n',
    );
    expect((await stack.command('waiting', '--table', 'dim_currency')).code).toBe(0);
    const { code, text } = await stack.command('waiting', '--drop', '--table', 'payment');
    expect(code).toBe(0);
    expect(text).toMatch(
      /2 rows of fact_payment wait for no dimension row .*\n2 rows of fact_payment dropped\. To bring them back once the warehouse accepts them: npx starlift replay --table fact_payment .*\n/,
    );
    expect(await waiting()).toEqual({ code: 0, ok: true, waiting: [], refused: [] });
    expect((await stack.command('status')).code).toBe(0);
    await stack.warehouse('alter table fact_payment drop constraint no_crowns');
    await stack.command('replay', '--table', 'fact_payment');
    await stack.run();
    expect(await stack.warehouse('select payment_id from fact_payment where currency_id = 79')).toHaveLength(
      2,
    );
  });
});
