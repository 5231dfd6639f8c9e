import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Status } from '../../../cli/status/status.ts';
import type { QuarantineFile } from '../../../shared/quarantine/quarantine-file.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from './operated-stack.ts';

interface Quarantine {
  ok: boolean;
  files: QuarantineFile[];
}

describe('rows in quarantine', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  const quarantine = (...args: string[]) => stack.json<Quarantine>('quarantine', ...args);
  const rowsOf = ({ files }: Quarantine) =>
    files.map(({ table, rows }) => [table, ...rows.map(({ key, column }) => `${key} ${column}`)]);

  async function breakTwoPayments(): Promise<void> {
    await stack.source(`update payment set payment_date = 'soon' where payment_id in (5, 6)`);
    await stack.run();
  }

  it('are shown with their reason, line and key, and each file with the object that it belongs to', async () => {
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    await breakTwoPayments();
    const { code, files } = await quarantine('--table', 'payment');
    expect(code).toBe(1);
    const [file] = files;
    expect(file?.file).toMatch(/^quarantine\/fact_payment\/.*-r0\.ndjson$/);
    expect(file?.ingested).toMatch(/^payment\/.*\.ndjson\.zst$/);
    expect(file?.rows.map(({ line, key, column, reason }) => [line, key, column, reason])).toEqual([
      [1, 5, 'payment_date', 'is not a date (expected YYYY-MM-DD)'],
      [2, 6, 'payment_date', 'is not a date (expected YYYY-MM-DD)'],
    ]);
    const status = await stack.json<Status>('status');
    expect(status).toMatchObject({ code: 1, ok: false });
    expect(status.troubles).toEqual([
      {
        kind: 'quarantined',
        table: 'fact_payment',
        text: '2 rows of fact_payment broke the contract',
        command: `npx starlift quarantine --table fact_payment --data ${stack.data}`,
      },
    ]);
    expect((await stack.command('quarantine')).text).toContain(
      'line 1, key 5: payment_date is not a date (expected YYYY-MM-DD)',
    );
  });

  it('clear by themselves once they are mended in the source, those too for which their file had no room', async () => {
    // As many digits as an int has.
    const first = 2_147_400_000;
    await stack.source(`insert into payment
      select ${first} + n, transaction_id, counterparty_id, payment_amount, currency_id, payment_type_id, paid, 'soon',
             company_ac_number, counterparty_ac_number, created_at, last_updated
        from payment, generate_series(1, 60000) n where payment_id = 1`);
    await stack.run();
    const before = await quarantine('--table', 'payment');
    const [file] = before.files;
    expect(before.files.map(({ quarantined }) => quarantined)).toEqual([60_000]);
    expect(file?.rows.length).toBeLessThan(60_000);
    // All but one of those that stand behind the last line of the file.
    await stack.source(`update payment set payment_date = '2025-01-01'
      where payment_id > ${first} and payment_id < ${first} + 60000`);
    await stack.run();
    expect((await quarantine('--table', 'payment')).files.map(({ quarantined }) => quarantined)).toEqual([1]);
    await stack.source(`update payment set payment_date = '2025-01-01' where payment_id = ${first} + 60000`);
    await stack.run();
    // Of so many rows a busy machine may not answer within the time that status waits.
    await seen(async () => (await stack.json<Status>('status')).troubles.length === 0);
    expect(await stack.differences()).toEqual([]);
  });

  it('that are released while they are still bad stand in the file of the new revision alone', async () => {
    await breakTwoPayments();
    const { files } = await quarantine();
    const released = await stack.json<{ rows: number; files: string[] }>(
      ...['quarantine', 'release', '--table', 'fact_payment', '--file', files[0]?.file ?? ''],
    );
    expect(released).toMatchObject({ code: 0, rows: 2, files: [files[0]?.file] });
    await stack.run();
    const again = await quarantine();
    expect(again.files.map(({ file }) => file.slice(-10))).toEqual(['-r1.ndjson']);
    expect(rowsOf(again)).toEqual([['fact_payment', '5 payment_date', '6 payment_date']]);
  });

  it('that were mended in the source are in quarantine no longer', async () => {
    await breakTwoPayments();
    await stack.source(`update payment set payment_date = '2025-01-01' where payment_id = 5`);
    await stack.run();
    expect(rowsOf(await quarantine())).toEqual([['fact_payment', '6 payment_date']]);
    await stack.source(`update payment set payment_date = '2025-01-02' where payment_id = 6`);
    await stack.run();
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    expect((await stack.command('status')).code).toBe(0);
    expect(await stack.differences()).toEqual([]);
  });

  it('count once when their table is read in full again, and each version of a fact counts by itself', async () => {
    await stack.source(`
      update payment set payment_date = 'soon' where payment_id in (15, 16);
      alter table address alter column postal_code drop not null;
      update address set postal_code = null where address_id = 3`);
    await stack.run();
    const [old] = (await quarantine('--table', 'payment')).files;
    await stack.source(`
      update payment set last_updated = last_updated + interval '1 second' where payment_id = 16;
      alter table payment alter column payment_date type text;
      alter table address alter column postal_code type text`);
    const bad = [...(await stack.run()).quarantined];
    expect(bad).toContainEqual(['fact_payment', 3]);
    expect(bad).toContainEqual(['dim_location', 1]);
    const { files } = await quarantine('--table', 'payment');
    expect(files.map(({ rows, readAgain }) => [rows.map(({ key }) => key), readAgain])).toEqual([
      [[16], 1],
      [[15, 16], 0],
    ]);
    expect(files[0]?.file).toBe(old?.file);
    const { troubles } = await stack.json<Status>('status');
    expect(troubles.map(({ text }) => text)).toContain('3 rows of fact_payment broke the contract');
    await stack.source(`
      update payment set payment_date = '2025-01-03' where payment_id in (15, 16);
      update address set postal_code = 'AB1' where address_id = 3`);
    await stack.run();
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    expect(await stack.differences()).toEqual([]);
  });

  it('that the source has lost are dropped by the command that status gives, and the others stay', async () => {
    await stack.source(`
      update payment set payment_date = 'soon' where payment_id = 5;
      insert into payment select 90001, transaction_id, counterparty_id, payment_amount, currency_id, payment_type_id,
        paid, 'never', company_ac_number, counterparty_ac_number, now(), now() from payment where payment_id = 12`);
    await stack.run();
    const commands = async () =>
      (await stack.json<Status>('status')).troubles.map(({ text, command }) => [
        text,
        command.split(' --data')[0],
      ]);
    expect(await commands()).toEqual([
      ['2 rows of fact_payment broke the contract', 'npx starlift quarantine --table fact_payment'],
    ]);
    const none = await stack.command('quarantine', 'drop', '--table', 'fact_payment', '--gone');
    expect(none.text).toBe(
      'The source still has each row of fact_payment that is in quarantine: nothing to drop.\n',
    );
    await stack.source('delete from payment where payment_id = 90001');
    const [, ended] = await commands();
    expect(ended).toEqual([
      '1 row of fact_payment broke the contract, and the source does not have it any more',
      'npx starlift quarantine drop --table fact_payment --gone',
    ]);
    await stack.command(...String(ended?.[1]).split(' ').slice(2));
    expect(rowsOf(await quarantine())).toEqual([['fact_payment', '5 payment_date']]);
    await stack.source('delete from payment where payment_id = 5');
    await stack.command('quarantine', 'drop', '--table', 'fact_payment', '--gone');
    expect(await stack.json<Status>('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
  });

  it('have more digits than the warehouse has room for, trailing zeros not counted', async () => {
    await stack.source(`
      alter table payment alter column payment_amount type numeric;
      update payment set payment_amount = case payment_id when 17 then 1.500 when 18 then 2.5 else 1.505 end
      where payment_id in (17, 18, 19)`);
    await stack.run();
    expect(rowsOf(await quarantine())).toEqual([['fact_payment', '19 payment_amount']]);
    expect(
      await stack.warehouse(
        `select payment_amount::text as amount from fact_payment where payment_id in (17, 18) order by payment_id`,
      ),
    ).toEqual([{ amount: '1.50' }, { amount: '2.50' }]);
    await stack.source('update payment set payment_amount = 1.51 where payment_id = 19');
    await stack.run();
    expect(await stack.differences()).toEqual([]);
  });

  it('that a mended contract accepts are loaded when they are released, and their file no longer counts', async () => {
    // As an older contract would have left it: the row is in the ingested object, and not in the processed one.
    const [object] = await stack.warehouse<{ key: string }>(
      `select key from starlift.object where warehouse_table = 'dim_currency' order by object_id limit 1`,
    );
    const file = `quarantine/${object?.key.replace('.parquet', '.ndjson')}`;
    const line = { line: 1, key: 1, column: 'currency_code', reason: 'is too long', row: '{}' };
    await stack.site.processed.create(file, Buffer.from(`${JSON.stringify(line)}\n`));
    await stack.warehouse('delete from dim_currency where currency_id = 1');
    expect(rowsOf(await quarantine())).toEqual([['dim_currency', '1 currency_code']]);
    expect((await stack.command('quarantine', 'release', '--table', 'currency')).code).toBe(0);
    await stack.run();
    expect(await quarantine()).toMatchObject({ code: 0, files: [] });
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json('quarantine', 'release', '--table', 'currency')).toMatchObject({
      code: 0,
      rows: 0,
    });
  });

  it('that the load has left out count until the warehouse has them, and can be dropped', async () => {
    const [object] = await stack.warehouse<{ key: string }>(
      `select key from starlift.object where warehouse_table = 'dim_currency' order by object_id limit 1`,
    );
    const file = `quarantine/${object?.key.replace('.parquet', '.load.ndjson')}`;
    const line = { line: 1, key: 1, column: 'currency_code', reason: 'cannot be integer', row: '{}' };
    await stack.site.processed.create(file, Buffer.from(`${JSON.stringify(line)}\n`));
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    await stack.warehouse('delete from dim_currency where currency_id = 1');
    expect(rowsOf(await quarantine())).toEqual([['dim_currency', '1 currency_code']]);
    await stack.command('quarantine', 'drop', '--table', 'currency', '--key', '1');
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    // It is bad no longer once it goes through in a later revision.
    await stack.command('quarantine', 'release', '--table', 'currency', '--file', file);
    await stack.run();
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    expect(await stack.differences()).toEqual([]);
  });

  it('cannot be released from a file that is not in quarantine', async () => {
    await expect(
      stack.command('quarantine', 'release', '--table', 'currency', '--file', 'quarantine/no-such.ndjson'),
    ).rejects.toThrow('--file quarantine/no-such.ndjson is not in quarantine for dim_currency');
  });

  it('that cannot be mended can be given up, one by one or all at once, and their file stays as the record', async () => {
    await stack.source(`
      insert into payment select 90000 + payment_id, transaction_id, counterparty_id, payment_amount, currency_id,
        payment_type_id, paid, 'never', company_ac_number, counterparty_ac_number, now(), now()
      from payment where payment_id in (12, 13, 14) order by payment_id`);
    await stack.run();
    await stack.source('delete from payment where payment_id > 90000');
    expect((await stack.json<Status>('status')).troubles).toEqual([
      {
        kind: 'quarantined',
        table: 'fact_payment',
        text: '3 rows of fact_payment broke the contract, and the source does not have them any more',
        command: `npx starlift quarantine drop --table fact_payment --gone --data ${stack.data}`,
      },
    ]);
    const [file] = (await quarantine()).files;
    const key = file?.file ?? '';
    const before = await stack.site.processed.get(key);
    const one = await stack.command('quarantine', 'drop', '--table', 'payment', '--key', '90013');
    expect(one.code).toBe(0);
    expect(one.text).toMatch(
      /^1 row of fact_payment dropped\n.*\n +line 2, key 90013: payment_date is not a date/,
    );
    expect(one.text).not.toContain('key 90012');
    expect(rowsOf(await quarantine())).toEqual([
      ['fact_payment', '90012 payment_date', '90014 payment_date'],
    ]);
    expect((await stack.run()).quarantined).toEqual(new Map([['fact_payment', 2]]));
    const rest = await stack.json<{ dropped: QuarantineFile[] }>('quarantine', 'drop', '--table', 'payment');
    expect(rest.dropped.map(({ rows }) => rows.map((row) => row.key))).toEqual([[90012, 90014]]);
    expect(await quarantine()).toEqual({ code: 0, ok: true, files: [] });
    expect((await stack.command('status')).code).toBe(0);
    expect((await stack.run()).ok).toBe(true);
    expect((await stack.site.processed.get(key))?.etag).toBe(before?.etag);
    expect((await stack.command('quarantine', 'drop', '--table', 'payment')).text).toBe(
      'No row of payment is in quarantine: nothing to drop.\n',
    );
    await expect(stack.command('quarantine', 'drop', '--table', 'payment', '--key', '90012')).rejects.toThrow(
      '--key 90012 is not in quarantine for fact_payment',
    );
    // Given up is not gone: the file can be put through again, and what is still bad counts again.
    await stack.command('quarantine', 'release', '--table', 'payment', '--file', key);
    await stack.run();
    expect(rowsOf(await quarantine())).toEqual([
      ['fact_payment', '90012 payment_date', '90013 payment_date', '90014 payment_date'],
    ]);
    await stack.command('quarantine', 'drop', '--table', 'payment');
    expect(await stack.differences()).toEqual([]);
  });
});
