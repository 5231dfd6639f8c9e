import { describe, expect, it } from '@jest/globals';
import { kindsOf, useSource } from './init-under-test.ts';

const shop = `
  create table customer (id int primary key, name text not null);
  create table sale (id int primary key, customer_id int not null references customer, amount int not null);
  create table notes (line text);
`;

const inSource = useSource();
const inShop = (work: Parameters<typeof inSource>[1]) => () => inSource(shop, work);

/** Lines of a text that the other one lacks, in their order. */
function missingLines(before: string, after: string): string[] {
  const rest = after.split('\n');
  return before.split('\n').filter((line) => {
    const found = rest.indexOf(line);
    if (found === -1) return true;
    rest.splice(0, found + 1);
    return false;
  });
}

describe('a second init', () => {
  it(
    'changes nothing where nothing is new',
    inShop(async ({ init, files }) => {
      await init();
      const before = files();
      const outcome = await init();
      expect(outcome).toMatchObject({ written: [], added: [], findings: [], isNew: false });
      expect(files()).toEqual(before);
    }),
  );

  it(
    'adds columns, tables and what is left out, and changes no line that is there',
    inShop(async ({ init, files, read, write, client, model }) => {
      await init();
      // As somebody has edited them: comments, blank lines, quotes, another indent, a key in braces.
      write(
        'tables/dim_customer.yml',
        '# who buys\ndimension: "dim_customer"\nfrom: customer   # the shop\'s\n\ncolumns:\n    id:   # never changes\n\n    full_name: { from: name,\n      as: text }\n\n# the end\n',
      );
      write('starlift.yml', `${read('starlift.yml')}\n# mine\n`);
      const before = files();
      await client.query(`
        alter table customer add city text, add password text, add "odd: name" int;
        alter table sale add sold_at timestamp not null default now();
        alter table notes add id int not null unique;
        create table refund (id int primary key, sale_id int references sale, customer_id int references customer,
          refunded_at timestamptz, amount int);
        create table journal (line text)`);
      const outcome = await init();
      expect(outcome.findings).toEqual([]);
      expect(kindsOf(outcome)).toEqual({ notes: 'dimension', refund: 'fact', journal: 'left out' });
      const after = files();
      for (const [name, text] of Object.entries(before)) {
        if (name === 'starlift.lock.json') continue;
        expect([name, missingLines(text, after[name] ?? '')]).toEqual([name, []]);
      }
      expect(read('tables/dim_customer.yml')).toBe(
        '# who buys\ndimension: "dim_customer"\nfrom: customer   # the shop\'s\n\ncolumns:\n    id:   # never changes\n\n    full_name: { from: name,\n      as: text }\n    city:\n    "odd: name":\n\n# the end\n',
      );
      expect(read('tables/fact_sale.yml')).toMatch(/\n {2}amount:\n {2}sold_at:\n$/);
      expect(read('tables/fact_refund.yml')).toContain('  customer_id: { references: dim_customer }\n');
      expect(read('starlift.yml')).toContain('\n  calendar: dim_date\n');
      expect(read('starlift.yml')).toContain('\nsources:\n  customer:\n    exclude:\n      - password\n');
      expect(read('starlift.yml')).toMatch(/# journal is left out: .*\n.*alter table "public"."journal"/);
      const customer = model().source('customer');
      expect(customer.columns.map(({ name }) => name)).toEqual(['id', 'name', 'city', 'odd: name']);
    }),
  );

  it(
    'leaves away what was deleted, and a column that was taken out',
    inShop(async ({ init, read, write, remove, files, client }) => {
      await init();
      remove('tables/fact_sale.yml');
      write('tables/dim_customer.yml', 'dimension: dim_customer\nfrom: customer\ncolumns:\n  id:\n');
      await client.query('alter table sale add note text; alter table customer add city text');
      const outcome = await init();
      expect(outcome.written).toEqual([]);
      expect(Object.keys(files())).not.toContain('tables/fact_sale.yml');
      expect(read('tables/dim_customer.yml')).toBe(
        'dimension: dim_customer\nfrom: customer\ncolumns:\n  id:\n  city:\n',
      );
    }),
  );

  it(
    'adds a secret to the list of those that are known, and none that was taken off it',
    inShop(async ({ init, read, write, client }) => {
      await client.query('alter table customer add password text, add api_key text');
      await init();
      write('starlift.yml', read('starlift.yml').replace('      - api_key\n', ''));
      await init();
      expect(read('starlift.yml')).not.toContain('api_key');
      await client.query('alter table customer add reset_token text');
      await init();
      expect(read('starlift.yml')).toContain('    exclude:\n      - password\n      - reset_token\n');
      write(
        'starlift.yml',
        read('starlift.yml').replace(/exclude:\n(.*- .*\n)+/, 'exclude: [ password, reset_token ]\n'),
      );
      await client.query('alter table customer add otp text');
      expect((await init()).findings).toEqual([]);
      expect(read('starlift.yml')).toContain('exclude: [ password, reset_token, otp ]\n');
    }),
  );

  it(
    'says what has to be added by hand where a map is written in braces',
    inShop(async ({ init, read, write, client }) => {
      await init();
      const braces = 'dimension: dim_customer\nfrom: customer\ncolumns: { id: , name: }\n';
      write('tables/dim_customer.yml', braces);
      await client.query('alter table customer add city text');
      const { added } = await init();
      expect(added).toEqual([
        'tables/dim_customer.yml: add city by hand, for its columns are written in braces',
      ]);
      expect(read('tables/dim_customer.yml')).toBe(braces);
    }),
  );

  it.each([
    'source: { url: "$' + '{SOURCE_URL}" }\nwarehouse: { url: postgres://loader@dwh/star }\nfreshness: 15m\n',
    'warehouse:\n  url: postgres://loader@dwh/star\n',
    '# connections come from the environment\n',
  ])('fills a project that names connections alone: %j', (connections) =>
    inSource(
      `${shop} alter table sale add sold_at timestamp; alter table customer add password text, add city_id int;
       create table city (id int primary key, name text); alter table customer add foreign key (city_id) references city`,
      async ({ init, read, write, model }) => {
        write('starlift.yml', connections);
        const outcome = await init();
        expect(outcome.findings).toEqual([]);
        expect(kindsOf(outcome)).toEqual({
          customer: 'dimension',
          sale: 'fact',
          city: 'folded',
          notes: 'left out',
        });
        expect(model().calendar?.name).toBe('dim_date');
        expect(
          model()
            .source('customer')
            .columns.map(({ name }) => name),
        ).toEqual(['id', 'name', 'city_id']);
        const text = read('starlift.yml');
        for (const part of connections.trim().split(/ }?\n/)) expect(text).toContain(part);
      },
    ),
  );

  it(
    'refuses a project that it cannot read, and a folder with tables of something else',
    inShop(async ({ init, write, remove }) => {
      await init();
      write('tables/dim_customer.yml', 'dimension: dim_customer\nform: customer\n');
      await expect(init()).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringContaining(
          'tables/dim_customer.yml line 2: unknown key form; did you mean from?',
        ),
      });
      remove('starlift.yml');
      await expect(init()).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(/has tables\/dim_customer\.yml and no starlift\.yml/),
      });
    }),
  );

  it(
    'adds a mirror of what is new to one',
    inShop(async ({ init, client, read }) => {
      await init({ isMirror: true });
      await client.query('alter table sale add note text; create table refund (id int primary key)');
      const outcome = await init({ isMirror: true });
      expect(kindsOf(outcome)).toEqual({ refund: 'table', notes: 'left out' });
      expect(JSON.parse(read('starlift.lock.json'))).toMatchObject({
        tables: { sale: { columns: { note: { type: 'text', nullable: true } } } },
      });
    }),
  );
});
