import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { formatNothingNew } from '../../../cli/run/report/report.ts';
import type { Status } from '../../../cli/status/status.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from './operated-stack.ts';

const lookAt = ({ plan }: Status, table: string) => plan.looks.find(({ source }) => source === table);
const asOf = ({ tables }: Status, table: string) => tables.find((each) => each.table === table)?.snapshotAt;

/** Every table may be left out, whatever its size. */
async function startQuiet(): Promise<OperatedStack> {
  const stack = await OperatedStack.startLoaded({ looking: { quietAboveMib: 0 } });
  // The server was started anew since the last run, and its counters with it.
  await stack.source('select pg_stat_force_next_flush()');
  await stack.run();
  return stack;
}

describe('a table that plans leave out because the source has counted no write', () => {
  let stack: OperatedStack;
  /** Commits, and works on: it reports what it has committed only when it is idle. */
  let busy: pg.Client;
  let working: Promise<unknown> | undefined;
  beforeAll(async () => {
    stack = await startQuiet();
    busy = await connect(stack.sourceUrl, 'source');
  });
  afterAll(async () => {
    await busy?.end();
    await working?.catch(() => {});
    await stack?.stop();
  });

  it('is as old as the last look, in the report, in status and for verify, though its write is not counted', async () => {
    const before = await stack.json<Status>('status');
    working = busy.query(`do $$ begin
      update payment set payment_amount = 0.01 where payment_id in (1, 2, 3);
      commit;
      perform pg_sleep(600);
    end $$`);
    working.catch(() => {});
    await seen(async () => {
      const [row] = await stack.source('select from payment where payment_id = 1 and payment_amount = 0.01');
      return row !== undefined;
    });
    const report = await stack.run();
    expect(report.looks.map(({ because }) => because)).toEqual(report.looks.map(() => 'quiet'));
    expect(formatNothingNew(report)).toMatch(/^Nothing new in the tables that were looked at/);
    const status = await stack.json<Status>('status');
    expect(asOf(status, 'fact_payment')).toBe(asOf(before, 'fact_payment'));
    expect(lookAt(status, 'payment')).toEqual({
      source: 'payment',
      isLookedAt: false,
      because: 'quiet',
      asOf: asOf(before, 'fact_payment'),
      byIndex: null,
    });
    const verified = await stack.json<{ ok: boolean; tables: Record<string, unknown>[] }>('verify');
    expect(verified.tables.find(({ table }) => table === 'fact_payment')).toMatchObject({
      late: 3,
      missing: 0,
      different: 0,
      asOf: asOf(before, 'fact_payment'),
    });
    expect(verified.ok).toBe(true);
  });

  it('is loaded once a write of it is counted, with all that was not', async () => {
    await stack.source(
      'update payment set payment_amount = 0.02 where payment_id = 4; select pg_stat_force_next_flush()',
    );
    // On a busy machine the last look may have taken so long that the table rests.
    let why: string | undefined;
    await seen(async () => {
      const { looks } = await stack.run();
      why = looks.find(({ source }) => source === 'payment')?.because;
      return why !== 'resting' && why !== 'quiet';
    });
    expect(why).toBe('written to');
    expect(await stack.differences()).toEqual([]);
    const status = await stack.json<Status>('status');
    expect(asOf(status, 'fact_payment')).toBe(status.plannedAt);
    // What does not answer a busy machine within seconds is a finding.
    await seen(async () => (await stack.json<Status>('status')).ok);
    expect((await stack.command('status')).text).toMatch(
      /Looked at 1 of 11 tables; of 10 the source has counted no write\./,
    );
  });
});

describe('a table that plans leave out, and whose newest changes an index brings', () => {
  let stack: OperatedStack;
  let hiding: pg.Client | undefined;
  beforeAll(async () => {
    stack = await startQuiet();
  });
  afterAll(async () => {
    await hiding?.end();
    await stack?.stop();
  });

  it('is exact as of its last look, and fresh as of the last plan', async () => {
    await stack.source('create index on payment (last_updated)');
    const write = (sql: string) => stack.source(`${sql}; select pg_stat_force_next_flush()`);
    await write('update payment set payment_amount = 0.03 where payment_id = 5');
    await seen(async () =>
      (await stack.run()).looks.some(({ source, isLookedAt }) => source === 'payment' && isLookedAt),
    );
    const before = await stack.json<Status>('status');
    hiding = await connect(stack.sourceUrl, 'source');
    const hidden = hiding.query(`do $$ begin
      update payment set payment_amount = 0.04, last_updated = now() where payment_id = 6;
      update payment set payment_amount = 0.05 where payment_id = 7;
      commit;
      perform pg_sleep(600);
    end $$`);
    hidden.catch(() => {});
    await seen(async () => {
      const [row] = await stack.source('select from payment where payment_id = 7 and payment_amount = 0.05');
      return row !== undefined;
    });
    await stack.run();
    const status = await stack.json<Status>('status');
    const payment = status.tables.find(({ table }) => table === 'fact_payment');
    expect(payment).toMatchObject({
      snapshotAt: asOf(before, 'fact_payment'),
      freshAt: status.plannedAt,
      freshBy: 'last_updated',
    });
    expect(lookAt(status, 'payment')).toMatchObject({ because: 'quiet', byIndex: 'last_updated' });
    const verified = await stack.json<{ ok: boolean; tables: Record<string, unknown>[] }>('verify');
    expect(verified.tables.find(({ table }) => table === 'fact_payment')).toMatchObject({
      late: 1,
      different: 0,
    });
    expect(verified.ok).toBe(true);
    expect((await stack.command('status')).text).toContain('Fresh by last_updated');
  });
});
