import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { readSettings } from '../../../cli/configuration/settings.ts';
import { parseCommand } from '../../../cli/parse-command.ts';
import { findDefinition } from '../../../cli/project/load-model.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import { quoteForShell } from '../../../cli/terminal/wording.ts';
import { useSource } from './init-under-test.ts';

const shop = `
  create table customer (id int primary key, name text not null, password text);
  create table sale (id int primary key, customer_id int references customer, amount int, sold_at timestamp);
  create view total as select sum(amount) from sale;
`;

const inSource = useSource();

/** Runs one command: its exit code, and what it prints. */
async function run(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const command = await parseCommand(argv);
  const code = await command(makeTerminal(stdout, stderr, false));
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

describe('starlift init', () => {
  it('says what each table became and why, and writes down no URL that has a password', () =>
    inSource(shop, async ({ url, folder, files }) => {
      const secret = new URL(url);
      secret.password = 's3cret';
      const { code, stdout, stderr } = await run('init', '--source', secret.href, '--dir', folder);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(
        /^ {2}dim_customer {2}from customer: sale names it\n {2}fact_sale {5}from sale: /,
      );
      expect(stdout).toContain('dim_customer is made without password: looks like a secret\n');
      expect(stdout).toContain(
        'Views are left out, for only a table knows which of its rows are new: total.\n',
      );
      expect(stdout).toMatch(
        /Wrote starlift\.yml, 2 files in tables\/, and starlift\.lock\.json\.\nChecked: /,
      );
      for (const text of Object.values(files()))
        expect(text).not.toMatch(/s3cret|127\.0\.0\.1|postgres:\/\//);
    }));

  it('writes down a URL without a password, so that the command it prints finds the source', () =>
    inSource(shop, async ({ url, folder, read }) => {
      expect(new URL(url).password).toBe('');
      const { code, stdout } = await run('init', '--source', url, '--dir', folder);
      expect(code).toBe(0);
      expect(read('starlift.yml')).toContain(`\n  url: ${url}\n`);
      expect(stdout).toMatch(/\n {4}cd \S+ && npx starlift run\n$/);
      expect(await readSettings({ values: { project: folder } })).toMatchObject({ source: url });
      // The environment comes before the file.
      process.env.SOURCE_URL = 'postgres://reader@elsewhere/shop';
      try {
        const again = await run('init', '--source', url, '--dir', folder);
        expect(again.stdout).toContain(` && npx starlift run --source ${quoteForShell(url)}\n`);
      } finally {
        delete process.env.SOURCE_URL;
      }
    }));

  it('finds the source by the environment, and exits with 2 for what is wrong in the project', () =>
    inSource(shop, async ({ url, folder, write }) => {
      process.env.SOURCE_URL = url;
      try {
        expect((await run('init', '--dir', folder)).code).toBe(0);
        write('tables/fact_sale.yml', 'fact: fact_sale\nfrom: sale\nkey: amount\n');
        const { code, stdout, stderr } = await run('init', '--dir', folder);
        expect(code).toBe(2);
        expect(stdout).toContain('Nothing is new in the source.');
        expect(stderr).toMatch(
          /^starlift: tables\/fact_sale\.yml line 3: sale has no unique index on amount/,
        );
      } finally {
        delete process.env.SOURCE_URL;
      }
    }));

  it('asks for a source where nothing names one', async () => {
    await expect(run('init', '--dir', '/nowhere')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('--source or SOURCE_URL'),
    });
  });

  it('refuses a schema that is not there, and a source without a table that it can read', () =>
    inSource('create table log (line text)', async ({ url, folder }) => {
      await expect(
        run('init', '--source', url, '--dir', folder, '--schemas', 'public,sales'),
      ).rejects.toThrow('--schemas sales: the source has no such schema with tables (there are public)');
      await expect(run('init', '--source', url, '--dir', folder)).rejects.toThrow(
        'the source has no table in public that can be captured\n  log: no unique index',
      );
    }));
});

describe('init of several schemas', () => {
  const schemas = `
    create schema sales; create schema "Odd.One";
    create table sales.customer (id int primary key, name text not null);
    create table sales.sale (id int primary key, customer_id int references sales.customer, amount int, sold_at date);
    create table "Odd.One".customer (id int primary key, name text not null);
  `;

  it('reads all of them, but for those in which a tool keeps its own, and says so', () =>
    inSource(
      `${schemas} create table note (id int primary key, line text);
       create schema pgboss; create table pgboss.job (id int primary key)`,
      async ({ url, folder, model }) => {
        const { stdout } = await run('init', '--source', url, '--dir', folder);
        expect(stdout).toContain('Not read: the schemas pgboss.');
        expect(model().sources.map(({ name }) => name)).toContain('note');
        expect(model().sources.map(({ name }) => name)).toContain('sales.sale');
      },
    ));

  it('reads all others where public has none', () =>
    inSource(schemas, async ({ init }) => {
      expect((await init()).schemas).toEqual(['Odd.One', 'sales']);
    }));

  it('tells tables of one name apart by their schemas, the first of which goes without', () =>
    inSource(schemas, async ({ init, model, client, read }) => {
      expect((await init({ schemas: ['sales', 'Odd.One'] })).findings).toEqual([]);
      expect(model().tables.map(({ name }) => name)).toEqual([
        'dim_Odd.One_customer',
        'dim_customer',
        'dim_date',
        'fact_sale',
      ]);
      expect(model().sources.map(({ schema, table }) => `${schema} ${table}`)).toEqual([
        'Odd.One customer',
        'sales customer',
        'sales sale',
      ]);
      expect(model().table('fact_sale').columns).toContainEqual(
        expect.objectContaining({ name: 'customer_id', references: 'dim_customer' }),
      );
      await client.query(
        'create table sales.refund (id int primary key); alter table sales.sale add note text',
      );
      const { written } = await init();
      expect(written.map(({ name }) => name)).toEqual(['dim_refund']);
      expect(read('tables/fact_sale.yml')).toMatch(/\n {2}note:\n$/);
    }));
});

describe('starlift check', () => {
  it('prints a line for each finding, and exits with 2', () =>
    inSource(shop, async ({ url, folder, write, client }) => {
      await run('init', '--source', url, '--dir', folder);
      expect(await run('check', '--project', folder)).toEqual({
        code: 0,
        stdout: 'Nothing is wrong: the files fit the source.\n',
        stderr: '',
      });
      write('tables/dim_customer.yml', 'dimension: dim_customer\nfrom: customer\ncolums:\n');
      await client.query('alter table sale drop column sold_at');
      const { code, stdout } = await run('check', '--project', folder, '--source', url);
      expect(code).toBe(2);
      expect(stdout.split('\n')).toEqual([
        expect.stringMatching(/^starlift\.lock\.json: sale\.sold_at is gone from the source/),
        'tables/dim_customer.yml line 3: unknown key colums; did you mean columns?',
        expect.stringMatching(/^tables\/fact_sale\.yml line \d+: dim_customer is not a dimension/),
        '',
      ]);
    }));

  it('asks the databases that the project names, and says so where one does not answer', () =>
    inSource(shop, async ({ url, folder, read, write, client }) => {
      await run('init', '--source', url, '--dir', folder);
      await client.query('alter table sale drop column sold_at');
      const gone = 'starlift.lock.json: sale.sold_at is gone from the source';
      const asked = await run('check', '--project', folder);
      expect(asked).toMatchObject({ code: 2, stdout: expect.stringContaining(gone) });
      const offline = { code: 0, stdout: 'Nothing is wrong with the files.\n', stderr: '' };
      expect(await run('check', '--project', folder, '--offline')).toEqual(offline);
      const silent = url.replace(/:\d+\//, ':1/');
      write('starlift.yml', read('starlift.yml').replace(url, silent));
      expect(await run('check', '--project', folder)).toEqual({
        code: 1,
        stdout: 'Nothing is wrong with the files.\n',
        stderr: expect.stringMatching(/^starlift: .*ECONNREFUSED.*\(--offline checks the files alone\)\n$/),
      });
      write('starlift.yml', read('starlift.yml').replace(silent, `"$\{SOURCE_URL}"`));
      expect(await run('check', '--project', folder)).toEqual({
        code: 0,
        stdout:
          'Nothing is wrong with the files.\nThe source was not asked: --source or SOURCE_URL names it.\n',
        stderr: '',
      });
      await expect(run('check', '--project', folder, '--offline', '--source', url)).rejects.toThrow(
        '--offline checks the files alone',
      );
    }));

  it('refuses a folder without a project', async () => {
    await expect(run('check', '--project', '/nowhere')).rejects.toMatchObject({
      exitCode: 2,
      message: '--project /nowhere has no starlift.yml: starlift init writes one',
    });
  });
});

describe('--project', () => {
  it('names the project whose model a command is about, and that of a data folder is remembered', () =>
    inSource(shop, async ({ url, folder }) => {
      await run('init', '--source', url, '--dir', folder);
      const shown = await run('schema', '--project', folder);
      expect(shown).toMatchObject({ code: 0 });
      expect(shown.stdout).toContain('dim_customer');
      await expect(run('schema', '--project', '/nowhere')).rejects.toMatchObject({
        exitCode: 2,
        message: '--project /nowhere has no starlift.yml: starlift init writes one',
      });
      const data = join(folder, 'data');
      mkdirSync(data);
      writeFileSync(join(data, 'connections.json'), JSON.stringify({ project: folder }));
      expect(await findDefinition({}, data)).toMatchObject({ folder });
      expect(await findDefinition({ project: folder })).toMatchObject({ folder });
      // Without either, here is no project.
      expect(await findDefinition({})).toMatchObject({ folder: undefined });
    }));
});

describe('a warehouse that is the database of the source', () => {
  const copied = (schema: string) =>
    expect.stringMatching(
      new RegExp(`^customer would be \\w+ into the table ${schema}\\.customer that it is read from`),
    );

  it('is refused by init --mirror before a file is written, unless it has a schema of its own', () =>
    inSource(shop, async ({ url, folder, files, read }) => {
      process.env.WAREHOUSE_URL = url;
      try {
        const mirror = () => run('init', '--source', url, '--mirror', '--dir', folder);
        await expect(mirror()).rejects.toMatchObject({ exitCode: 2, message: copied('public') });
        await expect(mirror()).rejects.toThrow('WAREHOUSE_SCHEMA=star npx starlift init --mirror');
        expect(files()).toEqual({});
        process.env.WAREHOUSE_SCHEMA = 'star';
        expect((await mirror()).code).toBe(0);
        expect(read('starlift.yml')).toContain('schema: star');
      } finally {
        delete process.env.WAREHOUSE_URL;
        delete process.env.WAREHOUSE_SCHEMA;
      }
    }));

  it('is a finding of check with its file and line, and a schema of its own is none', () =>
    inSource(shop, async ({ url, folder, read, write }) => {
      await run('init', '--source', url, '--mirror', '--dir', folder);
      const check = () => run('check', '--project', folder, '--source', url, '--warehouse', url);
      const { code, stdout } = await check();
      expect(code).toBe(2);
      const [first = '', second = ''] = stdout.trim().split('\n');
      expect(first).toMatch(
        /^tables\/customer\.yml line 2: customer would be loaded into the table public\.customer/,
      );
      expect(second).toMatch(/^tables\/sale\.yml line 2: /);
      write('starlift.yml', read('starlift.yml').replace('schema: public', 'schema: star'));
      expect(await check()).toMatchObject({ code: 0 });
    }));
});

describe('a warehouse that does not fit', () => {
  it('has another table of a name, or gives no right to make one: each is a finding', () =>
    inSource(shop, async ({ url, client, folder }) => {
      await run('init', '--source', url, '--dir', folder);
      await client.query(`
        create schema other; create table other.dim_customer (id text);
        create role poor_loader login; grant usage on schema other to poor_loader`);
      process.env.WAREHOUSE_SCHEMA = 'other';
      try {
        const warehouse = new URL(url);
        warehouse.username = 'poor_loader';
        const { code, stdout } = await run('check', '--project', folder, '--warehouse', warehouse.href);
        expect(code).toBe(2);
        const lines = stdout.trim().split('\n');
        expect(lines).toContainEqual(
          expect.stringMatching(
            /^tables\/dim_customer\.yml line 2: the warehouse's table other\.dim_customer is not the model's: /,
          ),
        );
        expect(lines).toContainEqual(
          'starlift.yml: this user may not make tables in the schema other of the warehouse: grant create, usage on schema "other" to "poor_loader"',
        );
        expect(lines).toContainEqual(
          expect.stringMatching(
            /^starlift\.yml: this user may not make the schema starlift in the warehouse: grant create on database /,
          ),
        );
      } finally {
        delete process.env.WAREHOUSE_SCHEMA;
      }
    }));
});
