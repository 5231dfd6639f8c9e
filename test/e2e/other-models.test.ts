import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import type { CommandResult } from '../helpers/processes/starlift.ts';
import { ask, makeDataFolder, makeShop, optionsOf, type Road, removeFolder } from './road.ts';

// Whole runs in processes of their own, from sources that nothing has compiled, and the machine may be busy.
jest.setTimeout(300_000);

const project = fileURLToPath(new URL('../../', import.meta.url));
const parts = ['cli', 'services', 'shared', 'scripts', 'package.json', 'package-lock.json'];
const tables = 'shared/model/tables';

const dimDepartment = `import { defineDimension, int, varchar } from '../define.ts';
import { table as department } from './department.ts';

export const table = defineDimension({
  name: 'dim_department',
  source: department.source,
  key: 'department_id',
  columns: {
    department_id: int('department_id'),
    department_name: varchar('department_name'),
    manager: varchar('manager', { nullable: true }),
  },
});
`;

describe('a project with a model of its own', () => {
  let server: PostgresServer;
  let shop: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    shop = await makeShop(server, 'shop', 50);
  });
  afterAll(() => server.stop());

  let clone: string;
  let road: Road;
  let databases = 0;
  beforeEach(async () => {
    clone = await mkdtemp(join(tmpdir(), 'starlift-model-'));
    for (const part of parts) await cp(join(project, part), join(clone, part), { recursive: true });
    await symlink(join(project, 'node_modules'), join(clone, 'node_modules'));
    databases += 1;
    road = {
      source: await server.createDatabase(`shop_${databases}`, 'shop'),
      warehouse: await server.createDatabase(`warehouse_${databases}`),
      data: await makeDataFolder(),
    };
    expect(shop).not.toBe(road.source);
  });
  afterEach(async () => {
    await rm(clone, { recursive: true, force: true });
    await removeFolder(road.data);
  });

  const starlift = (...args: string[]) =>
    new Promise<CommandResult>((resolve) => {
      const env = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1' };
      execFile(process.execPath, ['cli/starlift.js', ...args], { cwd: clone, env }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  const run = () => starlift('run', ...optionsOf(road));
  const verify = () => starlift('verify', '--source', road.source, '--warehouse', road.warehouse);
  const edit = async (file: string, from: string, to: string) => {
    const path = join(clone, file);
    const text = await readFile(path, 'utf8');
    expect(text).toContain(from);
    await writeFile(path, text.replaceAll(from, to));
  };

  it('fills a table that is added over a source that is captured already, and verify wants a check of it', async () => {
    expect(await run()).toMatchObject({ code: 0 });
    await writeFile(join(clone, tables, 'dim-department.ts'), dimDepartment);
    const added = await run();
    expect(added).toMatchObject({ code: 0 });
    expect(added.stdout).not.toContain('Nothing new');
    const rows = 'select department_id, department_name, manager from';
    expect(await ask(road.warehouse, `${rows} dim_department order by 1`)).toEqual(
      await ask(road.source, `${rows} department order by 1`),
    );
    const found = await verify();
    expect(found.code).toBe(1);
    expect(found.stdout).toContain('dim_department was not compared: it has no check');
    expect((await run()).stdout).toContain('Nothing new in the source');
  });

  it('fills a column that is added to the source, the model and the warehouse, in the rows that are there', async () => {
    await run();
    await ask(
      road.source,
      `alter table design add column colour varchar; update design set colour = 'c' || design_id`,
    );
    // Its rows are captured with the column only once the model has it.
    expect(await run()).toMatchObject({ code: 0 });
    await ask(road.warehouse, 'alter table dim_design add column colour varchar');
    await edit(
      `${tables}/dim-design.ts`,
      `file_name: 'varchar',`,
      `file_name: 'varchar', colour: 'varchar?',`,
    );
    await edit(
      `${tables}/dim-design.ts`,
      `file_name: varchar('file_name'),`,
      `file_name: varchar('file_name'), colour: varchar('colour', { nullable: true }),`,
    );
    expect(await run()).toMatchObject({ code: 0 });
    const rows = 'select design_id, colour from';
    expect(await ask(road.warehouse, `${rows} dim_design order by 1`)).toEqual(
      await ask(road.source, `${rows} design order by 1`),
    );
  });

  it('has no table that the first run, the calendar or its closing words depend on', async () => {
    await rm(join(clone, tables, 'fact-sales-order.ts'));
    const loaded = await run();
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.stdout).toContain('All loaded');
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('may call the columns of its facts what it likes', async () => {
    await edit(`${tables}/fact-sales-order.ts`, 'units_sold: int(', 'units: int(');
    const loaded = await run();
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.stdout).toContain('All loaded');
    expect((await ask(road.warehouse, 'select count(*) from fact_sales_order where units > 0'))[0]).toEqual([
      '50',
    ]);
  });

  it('is refused in one line where a builder does not fit its column', async () => {
    await edit(
      `${tables}/fact-payment.ts`,
      `payment_date: date('payment_date')`,
      `payment_date: date('last_updated')`,
    );
    const refused = await run();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^starlift: fact_payment\.payment_date is date\(…\), which takes a varchar, and payment\.last_updated is declared as timestamp: use timestamp or dateOf or timeOf\n$/,
    );
    expect(await ask(road.warehouse, `select 1 from pg_tables where schemaname = 'public'`)).toEqual([]);
  });

  it('is refused in one line where Postgres would cut a name that is made of a table’s', async () => {
    const name = 'fact_sales_order_'.padEnd(62, 'x');
    await edit(`${tables}/fact-sales-order.ts`, `name: 'fact_sales_order'`, `name: '${name}'`);
    const refused = await run();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      new RegExp(`^starlift: ${name} needs the name \\S+, which has \\d+ bytes.*\\n$`),
    );
    expect(await ask(road.warehouse, `select 1 from pg_tables where schemaname = 'public'`)).toEqual([]);
  });
});
