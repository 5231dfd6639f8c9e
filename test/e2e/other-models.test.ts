import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { finished, spawnStarlift, starlift as start } from '../helpers/processes/starlift.ts';
import { seen, seenRow } from '../helpers/seen.ts';
import { ask, makeDataFolder, makeShop, optionsOf, type Road, removeFolder } from './road.ts';

const totesys = fileURLToPath(new URL('../../models/totesys', import.meta.url));

const dimDepartment = `dimension: dim_department
from: department
columns:
  department_id:
  department_name:
  manager:
`;

describe('a project with a model of its own', () => {
  let server: PostgresServer;
  let shop: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    shop = await makeShop(server, 'shop', 50);
  });
  afterAll(() => server.stop());

  let project: string;
  let road: Road;
  let databases = 0;
  beforeEach(async () => {
    project = await mkdtemp(join(tmpdir(), 'starlift-model-'));
    await cp(totesys, project, { recursive: true });
    // Its queries are those of its own model.
    await rm(join(project, 'expect'), { recursive: true });
    databases += 1;
    road = {
      source: await server.createDatabase(`shop_${databases}`, 'shop'),
      warehouse: await server.createDatabase(`warehouse_${databases}`),
      data: await makeDataFolder(),
    };
    expect(shop).not.toBe(road.source);
  });
  afterEach(async () => {
    await rm(project, { recursive: true, force: true });
    await removeFolder(road.data);
  });

  const starlift = (...args: string[]) => start(args, {}, undefined, project);
  const run = () => starlift('run', ...optionsOf(road));
  const verify = () => starlift('verify', '--source', road.source, '--warehouse', road.warehouse);
  const edit = async (file: string, from: string, to: string) => {
    const path = join(project, file);
    const text = await readFile(path, 'utf8');
    expect(text).toContain(from);
    await writeFile(path, text.replaceAll(from, to));
  };

  it('fills a table that is added over a source that is captured already', async () => {
    expect(await run()).toMatchObject({ code: 0 });
    await writeFile(join(project, 'tables/dim_department.yml'), dimDepartment);
    const added = await run();
    expect(added).toMatchObject({ code: 0 });
    expect(added.stdout).not.toContain('Nothing new');
    const rows = 'select department_id, department_name, manager from';
    expect(await ask(road.warehouse, `${rows} dim_department order by 1`)).toEqual(
      await ask(road.source, `${rows} department order by 1`),
    );
    expect((await run()).stdout).toContain('Nothing new in the source');
  });

  it('fills a fact that is added over a source that is captured already with every version that was ever captured', async () => {
    expect(await run()).toMatchObject({ code: 0 });
    for (const amount of [10.5, 20.25]) {
      await ask(
        road.source,
        `update payment set payment_amount = ${amount}, last_updated = now() where payment_id = 1`,
      );
      expect(await run()).toMatchObject({ code: 0 });
    }
    await ask(road.source, 'delete from payment where payment_id = 2');
    expect(await run()).toMatchObject({ code: 0 });
    const file = await readFile(join(project, 'tables/fact_payment.yml'), 'utf8');
    await writeFile(
      join(project, 'tables/fact_paid.yml'),
      file.replace('fact: fact_payment', 'fact: fact_paid').replace('payment_record_id', 'paid_record_id'),
    );
    const added = await run();
    expect(added).toMatchObject({ code: 0 });
    expect(`${added.stdout}${added.stderr}`).toMatch(/fact_paid: \d+ objects? in S3 sent again/);
    const versions = (fact: string) =>
      ask(
        road.warehouse,
        `select payment_id, last_updated_date, last_updated_time, payment_amount, _deleted_by is null as is_there
           from ${fact} order by 1, 2, 3`,
      );
    const filled = await versions('fact_paid');
    expect(filled).toEqual(await versions('fact_payment'));
    expect(filled.filter(([payment]) => payment === '1')).toHaveLength(3);
    expect(filled.filter(([, , , , isThere]) => isThere === 'f').map(([payment]) => payment)).toEqual(['2']);
    expect(await verify()).toMatchObject({ code: 0 });
    expect(await starlift('status', '--data', road.data)).toMatchObject({ code: 0 });
    expect((await run()).stdout).toContain('Nothing new in the source');
  });

  it('fills a column that is added to the source and the model, in the rows that are there', async () => {
    await run();
    await ask(
      road.source,
      `alter table design add column colour varchar; update design set colour = 'c' || design_id`,
    );
    // Its rows are captured with the column only once the model has it; that it is there is said once.
    const told = 'design has columns that the model does not use: colour';
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining(told) });
    expect(await run()).toMatchObject({ code: 0, stdout: expect.not.stringContaining(told) });
    await edit(
      'tables/dim_design.yml',
      '  file_name: { as: varchar }\n',
      '  file_name: { as: varchar }\n  colour: { as: varchar }\n',
    );
    const lock = JSON.parse(await readFile(join(project, 'starlift.lock.json'), 'utf8'));
    lock.tables.design.columns.colour = { type: 'character varying', nullable: true };
    await writeFile(join(project, 'starlift.lock.json'), JSON.stringify(lock));
    expect(await run()).toMatchObject({ code: 0 });
    const rows = 'select design_id, colour from';
    expect(await ask(road.warehouse, `${rows} dim_design order by 1`)).toEqual(
      await ask(road.source, `${rows} design order by 1`),
    );
  });

  it('fills a column that the model gets later in every version that was ever captured', async () => {
    await edit('tables/fact_payment.yml', '  payment_amount:\n', '');
    expect(await run()).toMatchObject({ code: 0 });
    const change = (amount: number) =>
      ask(
        road.source,
        `update payment set payment_amount = ${amount}, last_updated = now() where payment_id = 1`,
      );
    const [[first = '']] = (await ask(
      road.source,
      'select payment_amount from payment where payment_id = 1',
    )) as [string[]];
    for (const amount of [10.5, 20.25]) {
      await change(amount);
      expect(await run()).toMatchObject({ code: 0 });
    }
    await edit('tables/fact_payment.yml', '  paid:\n', '  paid:\n  payment_amount:\n');
    const filled = await run();
    expect(filled).toMatchObject({ code: 0 });
    expect(`${filled.stdout}${filled.stderr}`).toMatch(/fact_payment: \d+ objects? in S3 sent again/);
    expect(
      await ask(
        road.warehouse,
        'select payment_amount from fact_payment where payment_id = 1 order by last_updated_date, last_updated_time',
      ),
    ).toEqual([[first], ['10.50'], ['20.25']]);
    expect(await verify()).toMatchObject({ code: 0 });
    expect((await run()).stdout).toContain('Nothing new in the source');
  });

  it('is followed by a running watch once it is published, in what the watch reports too', async () => {
    let output = '';
    const child = spawnStarlift(['run', '--watch', '--every', '1', ...optionsOf(road)], {}, project);
    const ended = finished(child);
    try {
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      await seen(() => output.includes('fact_payment'), 60);
      // One leaves the model, and one goes by another name.
      await rm(join(project, 'tables/fact_purchase_order.yml'));
      await edit('tables/dim_design.yml', 'dimension: dim_design', 'dimension: dim_pattern');
      await edit('tables/fact_sales_order.yml', 'references: dim_design', 'references: dim_pattern');
      expect(await starlift('publish', '--data', road.data)).toMatchObject({ code: 0 });
      await ask(
        road.source,
        `update design set design_name = 'after' where design_id = 1; update purchase_order set item_code = 'after'`,
      );
      await seen(() => /dim_pattern \d/.test(output), 60);
      await seenRow(road.warehouse, `select from dim_pattern where design_name = 'after'`);
      expect(output.slice(output.indexOf('dim_pattern'))).not.toMatch(/dim_design|fact_purchase_order/);
    } finally {
      child.kill('SIGINT');
      await ended;
    }
    expect(output).not.toMatch(/^!/m);
    expect(await run()).toMatchObject({ code: 0 });
    expect(await verify()).toMatchObject({ code: 0 });
    expect(await starlift('status', '--data', road.data)).toMatchObject({ code: 0 });
  });

  it('is refused where a change of it would lose rows, and the model in force stays', async () => {
    expect(await run()).toMatchObject({ code: 0 });
    await edit('tables/fact_payment.yml', 'versions: last_updated\n', '');
    const refused = await run();
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toMatch(/the model does not fit the tables of the model in force/);
    expect(refused.stderr).toMatch(/fact_payment/);
    expect(await starlift('status', '--data', road.data)).toMatchObject({ code: 0 });
  });

  it('is found by its data folder from anywhere', async () => {
    await edit('tables/fact_sales_order.yml', '  units_sold:\n', '  units: { from: units_sold }\n');
    expect(await run()).toMatchObject({ code: 0 });
    await ask(road.source, 'update sales_order set units_sold = 4711 where sales_order_id = 1');
    expect(await start(['run', ...optionsOf(road)])).toMatchObject({ code: 0 });
    expect(await ask(road.warehouse, 'select count(*) from fact_sales_order where units = 4711')).toEqual([
      ['1'],
    ]);
  });

  it('has no table that the first run, the calendar or its closing words depend on', async () => {
    await rm(join(project, 'tables/fact_sales_order.yml'));
    const loaded = await run();
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.stdout).toContain('All loaded');
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('may call the columns of its facts what it likes', async () => {
    await edit('tables/fact_sales_order.yml', '  units_sold:\n', '  units: { from: units_sold }\n');
    const loaded = await run();
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.stdout).toContain('All loaded');
    expect((await ask(road.warehouse, 'select count(*) from fact_sales_order where units > 0'))[0]).toEqual([
      '50',
    ]);
  });

  it('is refused in one line where a column cannot be made of what it comes from', async () => {
    await edit('tables/fact_payment.yml', '  payment_date: {', '  payment_date: { from: company_ac_number,');
    const refused = await run();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^starlift: tables\/fact_payment\.yml line 18: payment_date is as: date of company_ac_number, .*\n$/,
    );
    expect(await ask(road.warehouse, `select 1 from pg_tables where schemaname = 'public'`)).toEqual([]);
  });

  it('is refused in one line where Postgres would cut a name that is made of a table’s', async () => {
    const name = 'fact_sales_order_'.padEnd(62, 'x');
    await edit('tables/fact_sales_order.yml', 'fact: fact_sales_order', `fact: ${name}`);
    const refused = await run();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      new RegExp(`^starlift: ${name} needs the name \\S+, which has \\d+ bytes.*\\n$`),
    );
    expect(await ask(road.warehouse, `select 1 from pg_tables where schemaname = 'public'`)).toEqual([]);
  });
});
