import { spawn } from 'node:child_process';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../../cli/database/connect.ts';
import { findFreePort } from '../../helpers/network/free-port.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { cleanCounts, expectedRows, sourceSql, warehouseSql } from './shop.ts';

const totesysFolder = fileURLToPath(new URL('../../../models/totesys', import.meta.url));
const bin = fileURLToPath(new URL('../../../cli/starlift.js', import.meta.url));

const starlift = (...args: string[]) => starliftIn(undefined, ...args);

async function starliftIn(cwd: string | undefined, ...args: string[]) {
  const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { exitCode: await closed, stdout, stderr };
}

const lastLine = (output: string): unknown => JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');

describe('the commands that look at databases', () => {
  let server: PostgresServer;
  let shop: string;
  let star: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    shop = await server.createDatabase('shop');
    star = await server.createDatabase('star');
    await run(shop, sourceSql);
    await run(star, warehouseSql);
  });
  afterAll(() => server?.stop());

  async function run(url: string, sql: string): Promise<unknown[]> {
    const client = await connect(url, 'source');
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  describe('verify', () => {
    it('ends with 0 and one line of JSON where nothing differs', async () => {
      const { exitCode, stdout } = await starlift('verify', '--source', shop, '--warehouse', star, '--json');
      expect(lastLine(stdout)).toEqual({
        ok: true,
        complete: true,
        tables: cleanCounts,
      });
      expect(stdout.trimEnd()).not.toContain('\n');
      expect(exitCode).toBe(0);
    });

    it('ends with 1, examples and what it means where something differs', async () => {
      const broken = await server.createDatabase('broken', 'star');
      await run(
        broken,
        `delete from dim_currency where currency_id = 2; update dim_staff set last_name = null;
                         insert into dim_payment_type values (8, 'GIFT')`,
      );
      const args = ['verify', '--source', shop, '--warehouse', broken];
      const { exitCode, stdout } = await starlift(...args);
      expect(stdout).toContain('! dim_currency 2 is missing\n');
      expect(stdout).toContain(
        '! dim_staff -1 is different: last_name is null in the warehouse, "" in the source',
      );
      expect(stdout).toContain('! fact_payment 1 dangles: its currency_id "2" is not in the dimension');
      expect(stdout).toMatch(/not an exact copy: 1 missing, 1 extra, 1 different, 2 dangling\. .*\n$/);
      expect(exitCode).toBe(1);
      const json = await starlift(...args, '--json');
      expect(lastLine(json.stdout)).toMatchObject({ ok: false });
      expect(json.stdout).toContain('"kind":"extra","table":"dim_payment_type","key":"8"');
      expect(json.exitCode).toBe(1);
    });

    it('compares with the queries of the project that it runs in', async () => {
      const project = await mkdtemp(join(tmpdir(), 'starlift-verify-'));
      try {
        await cp(totesysFolder, project, { recursive: true });
        const file = join(project, 'expect/dim_design.sql');
        await writeFile(
          file,
          'select file_name, file_location, upper(design_name) as design_name, design_id from design;\n-- loud',
        );
        const args = ['verify', '--source', shop, '--warehouse', star];
        const found = await starliftIn(join(project, 'tables'), ...args);
        expect(found.stdout).toContain(
          '! dim_design 7 is different: design_name is "Wooden" in the warehouse, "WOODEN" in the source',
        );
        expect(found.exitCode).toBe(1);
        await rename(file, join(project, 'expect/dim_desing.sql'));
        expect(await starliftIn(project, ...args)).toEqual({
          exitCode: 2,
          stdout: '',
          stderr:
            'starlift: expect/dim_desing.sql is of no table of the model: name it as the table that it is for\n',
        });
      } finally {
        await rm(project, { recursive: true });
      }
    });

    it('names what it cannot reach, and never a password', async () => {
      const port = await findFreePort();
      const url = `postgres://me:s3cret@127.0.0.1:${port}/shop`;
      expect(await starlift('verify', '--source', shop, '--warehouse', url)).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: `starlift: the warehouse at 127.0.0.1:${port} cannot be reached (ECONNREFUSED)\n`,
      });
    });

    it('names the tables of which the source has none', async () => {
      const { exitCode, stderr } = await starlift('verify', '--source', star, '--warehouse', star);
      expect(stderr).toMatch(/^starlift: the source has none of the tables counterparty, address, .*\n$/);
      expect(exitCode).toBe(2);
    });
  });

  describe('schema', () => {
    it('gives DDL that makes every warehouse table', async () => {
      const { exitCode, stdout } = await starlift('schema', '--sql');
      expect(exitCode).toBe(0);
      const empty = await server.createDatabase('empty');
      await run(empty, stdout);
      const made = await run(
        empty,
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
      );
      expect(made).toEqual(Object.keys(expectedRows).map((relname) => ({ relname })));
    });

    it('says where each table and column comes from', async () => {
      const { exitCode, stdout } = await starlift('schema');
      expect(exitCode).toBe(0);
      expect(stdout).toContain(
        'dim_staff: from staff left join department on staff.department_id = department.department_id; the latest state\n',
      );
      expect(stdout).toMatch(/\n unit_price +\| numeric\(10,2\) not null \| +\| unit_price\n/);
      expect(stdout).toMatch(
        /\n last_updated_date +\| date not null +\| business key, -> dim_date +\| the date of last_updated\n/,
      );
    });
  });

  describe('sample', () => {
    it('fills a database with as many orders as asked for', async () => {
      const own = await server.createDatabase('own');
      const { exitCode, stdout } = await starlift('sample', '--source', own, '--orders', '50', '--seed', '7');
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/sales_order +50 rows\n/);
      expect(await run(own, 'select count(*)::int as orders from sales_order')).toEqual([{ orders: 50 }]);
    });

    it.each([
      [['--orders', '-1'], /--orders/],
      [['--orders=1e3'], '--orders 1e3 is not a whole number from 0 to 1,000,000,000'],
      [['--seed', 'x'], '--seed x is not a whole number from 0 to 4,294,967,295'],
      [[], '--source is missing'],
    ])('refuses %j', async (args, message) => {
      const { exitCode, stderr } = await starlift('sample', ...args);
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(2);
    });
  });
});
