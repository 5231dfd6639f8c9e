import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import {
  type CommandResult,
  finished,
  lastJson,
  spawnStarlift,
  starlift,
} from '../helpers/processes/starlift.ts';
import { seen } from '../helpers/seen.ts';
import { ask, removeFolder, type VerifyResult } from './road.ts';

// Whole runs in processes of their own, and the machine may be busy.
jest.setTimeout(600_000);

const tables = `
  create table shop (shop_id int primary key, code text not null unique, town text not null);
  create table sale (sale_id int primary key, ref text not null unique, shop_id int not null references shop,
                     amount numeric(10,2) not null, sold_on date not null, updated_at timestamp not null);
  insert into shop select n, 'S' || n, 'Town ' || n from generate_series(1, 5) n;
  insert into sale select n, 'R' || n, 1 + n % 5, n, '2026-01-01', '2026-01-01 00:00:00' from generate_series(1, 300) n`;

describe('a project whose model changes in more than additions', () => {
  let server: PostgresServer;
  let [sourceUrl, warehouseUrl, folder] = ['', '', ''];
  const environment = () => ({ SOURCE_URL: sourceUrl, WAREHOUSE_URL: warehouseUrl });
  const command = (...args: string[]): Promise<CommandResult> =>
    starlift(args, environment(), undefined, folder);
  const done = async (...args: string[]): Promise<CommandResult> => {
    const result = await command(...args);
    if (result.code !== 0) throw new Error(`exit ${result.code}:\n${result.stdout}\n${result.stderr}`);
    return result;
  };
  const edit = async (file: string, change: (text: string) => string) => {
    const path = join(folder, 'tables', `${file}.yml`);
    await writeFile(path, change(await readFile(path, 'utf8')));
  };
  const verified = async () => lastJson<VerifyResult>(await done('verify', '--json')).ok;
  const green = async () => lastJson<{ ok: boolean }>(await done('status', '--json')).ok;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    sourceUrl = await server.createDatabase('source');
    warehouseUrl = await server.createDatabase('warehouse');
    await ask(sourceUrl, tables);
    folder = await mkdtemp(join(tmpdir(), 'starlift-migrate-'));
    await done('init', '--source', sourceUrl);
    await done('run');
  });
  afterAll(async () => {
    await server?.stop();
    if (folder !== '') await removeFolder(folder);
  });

  it('is refused by run, and done by migrate, which --plan shows before', async () => {
    await edit('fact_sale', (text) => text.replace('from: sale\n', 'from: sale\nkey: ref\n'));
    expect((await done('check')).stdout).toMatch(/starlift migrate[\s\S]*fact_sale: the key is sale_id/);
    expect((await done('init')).stdout).toMatch(
      /fact_sale: the key is sale_id.*\n {4}npx starlift migrate\n/,
    );
    const refused = await command('run');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('fact_sale: the key is sale_id in the model in force, and would be ref');
    expect(refused.stderr).toContain('starlift migrate');
    const plan = await done('migrate', '--plan');
    expect(plan.stdout).toContain(
      'fact_sale: filled anew from 1 object, then takes the place of the one with 300 rows',
    );
    await done('migrate');
    expect(await verified()).toBe(true);
    expect(await green()).toBe(true);
    expect((await done('migrate', '--plan')).stdout).toContain('there is nothing to do');
  });

  it('changes while a watch, writers and readers are at work, and is exact in the end', async () => {
    const watch = spawnStarlift(['run', '--watch', '--every', '1'], environment(), folder);
    const ended = finished(watch);
    let output = '';
    watch.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [reader, writer] = [new pg.Client(warehouseUrl), new pg.Client(sourceUrl)];
    await Promise.all([reader.connect(), writer.connect()]);
    let isOver = false;
    const read: { rows: number; sales: number }[] = [];
    const reading = (async () => {
      while (!isOver) {
        const { rows } = await reader.query<{ rows: number; sales: number }>(
          `select count(*)::int as rows, count(distinct sale_id)::int as sales
             from fact_sale f join dim_shop using (shop_id)`,
        );
        read.push(...rows);
      }
    })();
    const writing = (async () => {
      for (let change = 1; !isOver; change += 1) {
        await writer.query(
          `update sale set amount = $1::int, updated_at = '2026-02-01'::timestamp + $1::int * interval '1 s' where sale_id = 1 + $1::int % 300`,
          [change],
        );
        await writer.query(
          `insert into sale values ($1::int, 'N' || $1::int, 1, 1, '2026-03-01', '2026-03-01')`,
          [1000 + change],
        );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    try {
      await seen(() => output.includes('Watching'), 60);
      await edit('fact_sale', (text) => text.replace('key: ref\n', ''));
      await done('migrate');
      await seen(
        async () => (await ask(warehouseUrl, 'select max(sale_id)::int from fact_sale'))[0]?.[0] !== '300',
      );
    } finally {
      isOver = true;
      await Promise.all([reading, writing]);
      await Promise.all([reader.end(), writer.end()]);
    }
    const back = read.filter(({ rows, sales }, index) => {
      const last = read[index - 1];
      return rows === 0 || (last !== undefined && (rows < last.rows || sales < last.sales));
    });
    expect(back).toEqual([]);
    expect(read.length).toBeGreaterThan(50);
    await seen(verified);
    // The watch has followed the model, and has nothing to complain of. What passes by itself is reported for a while yet.
    await seen(green);
    await seen(
      () => output.lastIndexOf('\n! ') <= output.lastIndexOf('Nothing needs attention any more.'),
      180,
    ).catch((cause: unknown) => {
      throw new Error(`the watch still complains: ${output}`, { cause });
    });
    watch.kill('SIGINT');
    const { code } = await ended;
    if (code !== 0) throw new Error(`the watch has ended with ${code}: ${output}`);
    expect(output).not.toMatch(/is not the model's|is gone/);
    await done('run');
    expect(await verified()).toBe(true);
    expect(await green()).toBe(true);
  });
});
