import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assertWithin } from '../helpers/busy-machine.ts';
import { type CommandResult, lastJson, starlift } from '../helpers/processes/starlift.ts';
import { seen } from '../helpers/seen.ts';
import { ask, loadedRows, makeDataFolder, type RunResult, removeFolder, type VerifyResult } from './road.ts';
import { startWatch, type Watch } from './watch.ts';

interface StackFile {
  pid: number;
  endpoint: string;
  sourceUrl: string;
  warehouseUrl: string;
}

describe('the sample shop', () => {
  let folder: string;
  let data: string;
  let first: CommandResult;
  let watch: Watch | undefined;
  beforeAll(async () => {
    folder = await makeDataFolder();
    data = join(folder, 'data');
    first = await starlift(['run', '--data', data]);
  });
  afterAll(async () => {
    await watch?.end();
    await removeFolder(folder);
  });

  it('is shown to a newcomer in plain lines: what was loaded, a question with its answer, what is next', () => {
    expect(first.stderr).toBe('');
    expect(first.code).toBe(0);
    expect(first.stdout).not.toContain('\u001b');
    expect(first.stdout.startsWith(`Making the embedded databases in ${data}, once.\n`)).toBe(true);
    expect(first.stdout).toMatch(/\nThe sample shop has opened: 2\d,\d{3} rows of a year's trade\.\n/);
    expect(first.stdout).toMatch(
      /\n fact_sales_order +\| sales_order +\| +5,000 \| +5,000 \| +0 \| +0 \| +0\s*\n/,
    );
    expect(first.stdout).toMatch(
      /\n dim_transaction +\| transaction +\| +7,200 \| +7,200 \| +0 \| +0 \| +0\s*\n/,
    );
    expect(first.stdout).toMatch(/\nAll loaded: 2\d,\d{3} rows in \d+\.\d s\.\n/);
    expect(first.stdout).toMatch(/\n 20\d\d \| \w+ +\| [A-Z]{3} +\| +\d+ \| +\d+\.\d\d\n/);
    expect(first.stdout).toMatch(/\nNext:\n {2}npx starlift run .*--watch /);
    expect(first.stdout).toMatch(/postgres:\/\/\w+@127\.0\.0\.1:\d+\/warehouse/);
    expect(existsSync(join(data, 'stack.json'))).toBe(false);
  });

  it('has nothing new the second time, and says so within 5 s', async () => {
    const seconds: number[] = [];
    // A busy machine may slow down one of them.
    while (seconds.length < 3 && !seconds.some((each) => each < 5)) {
      const startedAt = Date.now();
      expect(await starlift(['run', '--data', data])).toEqual({
        code: 0,
        stdout: expect.stringMatching(/^Nothing new in the source \(\d+\.\d s\)\.\n$/),
        stderr: '',
      });
      seconds.push((Date.now() - startedAt) / 1000);
    }
    assertWithin(Math.min(...seconds), 5);
  });

  it('is compared and looked at with the stack started for as long as that takes', async () => {
    const verified = await starlift(['verify', '--data', data, '--json']);
    expect(lastJson<VerifyResult>(verified)).toMatchObject({ ok: true, complete: true });
    const status = await starlift(['status', '--data', data, '--json']);
    const { ok, tables, deadLetters } = lastJson<VerifyResult & { deadLetters: unknown[] }>(status);
    expect(tables).toContainEqual(
      expect.objectContaining({ table: 'fact_sales_order', rows: 5000, waiting: 0 }),
    );
    expect({ ok, deadLetters, codes: [verified.code, status.code] }).toEqual({
      ok: true,
      deadLetters: [],
      codes: [0, 0],
    });
    expect(existsSync(join(data, 'stack.json'))).toBe(false);
  });

  it('goes on trading under --watch, and other commands attach to the running stack', async () => {
    // The other tests' shop does not trade. Where the tests are root its databases belong to another user.
    const traded = join(folder, 'traded');
    await promisify(execFile)('cp', ['-Rp', data, traded]);
    watch = startWatch(['--data', traded, '--every', '1', '--json']);
    await seen(() => existsSync(join(traded, 'stack.json')));
    const stackFile = join(traded, 'stack.json');
    const stack = JSON.parse(readFileSync(stackFile, 'utf8')) as StackFile;
    expect(statSync(stackFile).mode & 0o777).toBe(0o600);
    expect(stack.pid).toBe(watch.pid);
    const orders = async (url: string, table: string) =>
      Number((await ask(url, `select count(*) from ${table}`))[0]?.[0]);
    await seen(async () => (await orders(stack.warehouseUrl, 'fact_sales_order')) > 5000);

    // A payment may wait for its transaction until the next look.
    await seen(async () => {
      const { code, stdout, stderr } = await starlift(['status', '--data', traded]);
      expect(stderr).toBe('');
      return code === 0 && stdout.includes('Nothing needs attention.');
    });
    const counted = await starlift(['sql', '--source', 'select count(*) from sales_order', '--data', traded]);
    expect(counted.code).toBe(0);
    expect(existsSync(stackFile)).toBe(true);
    const { code, stdout, stderr } = await watch.end('SIGINT');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Watching the source every 1 s; press Ctrl-C to stop\.\n/);
    const ticks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RunResult);
    expect(ticks.reduce((sum, tick) => sum + (loadedRows(tick).fact_sales_order ?? 0), 0)).toBeGreaterThan(0);
    expect(existsSync(stackFile)).toBe(false);
    expect(await starlift(['run', '--data', traded])).toMatchObject({ code: 0 });
    expect(await starlift(['verify', '--data', traded])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
  });

  it('says with --json all but the result on stderr', async () => {
    const last = await starlift(['run', '--data', data, '--json']);
    expect(last.code).toBe(0);
    expect(last.stdout.trimEnd().split('\n')).toHaveLength(1);
    const { run, seconds, ok, tables } = lastJson<RunResult>(last);
    expect({ run, ok }).toEqual({ run: expect.stringMatching(/^20\d{6}T\d{9}Z\w+$/), ok: true });
    expect(seconds).toBeGreaterThan(0);
    expect(tables.map(({ table, source }) => [table, source])).toEqual([
      ['dim_counterparty', 'counterparty'],
      ['dim_currency', 'currency'],
      ['dim_date', null],
      ['dim_design', 'design'],
      ['dim_location', 'address'],
      ['dim_payment_type', 'payment_type'],
      ['dim_staff', 'staff'],
      ['dim_transaction', 'transaction'],
      ['fact_payment', 'payment'],
      ['fact_purchase_order', 'purchase_order'],
      ['fact_sales_order', 'sales_order'],
    ]);
  });

  it('leaves no hole in the calendar of the years that its facts name', async () => {
    const holes = await starlift([
      'sql',
      '--data',
      data,
      `with years as (select min(year) as first, max(year) as last from dim_date)
       select 'days missing', count(*) from years,
              generate_series(make_date(first, 1, 1), make_date(last, 12, 31), '1 day') as calendar (its_day)
        where not exists (select from dim_date where date_id = its_day::date)`,
    ]);
    expect(holes.stdout).toMatch(/days missing +\| +0\n/);
    expect(holes.code).toBe(0);
  });
});
