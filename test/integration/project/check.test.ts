import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { formatFinding } from '../../../cli/configuration/yaml-file.ts';
import { checkProject } from '../../../cli/project/check/check.ts';
import { adviseLargeTables } from '../../../cli/project/check/large-tables.ts';
import { seen } from '../../helpers/seen.ts';
import { type Initialized, kindsOf, useSource } from './init-under-test.ts';

const shop = `
  create type mood as enum ('good', 'bad');
  create table customer (id int primary key, name text not null, email text unique, feeling mood);
  create table sale (id int primary key, customer_id int not null references customer, amount numeric(8,2) not null,
    sold_at timestamp not null);
`;

const inSource = useSource();

const check = async ({ client, folder }: Initialized, isUpdate = false): Promise<string[]> =>
  (await checkProject({ folder, source: client, isUpdate })).map(formatFinding);

const checkOffline = async ({ folder }: Initialized): Promise<string[]> =>
  (await checkProject({ folder, source: undefined, isUpdate: false })).map(formatFinding);

const takesOver = 'starlift check --update takes it over';

describe('check against a source', () => {
  it('finds nothing in what init has just written, though rows come and go', () =>
    inSource(shop, async (source) => {
      await source.init();
      await source.client.query("insert into customer values (1, 'a')");
      expect(await check(source)).toEqual([]);
    }));

  it.each<[change: string, findings: string[]]>([
    ['alter table sale drop column sold_at', [`sale.sold_at is gone from the source; ${takesOver}`]],
    [
      'alter table sale alter amount type numeric(10,2)',
      [`sale.amount was numeric(8,2) not null, and is numeric(10,2) not null; ${takesOver}`],
    ],
    [
      'alter table customer alter name drop not null',
      [`customer.name was text not null, and is text; ${takesOver}`],
    ],
    [
      'alter table customer alter feeling type text',
      [`customer.feeling was public.mood, an enum, and is text; ${takesOver}`],
    ],
    [
      'alter table customer add phone text, add city text',
      [
        `customer has the columns phone, city, which the lock does not know; ${takesOver}, and starlift init adds them`,
      ],
    ],
    [
      'alter table customer drop constraint customer_email_key',
      [`customer has no unique index on email any more; ${takesOver}`],
    ],
    [
      'alter table sale drop constraint sale_customer_id_fkey',
      [`the foreign key from sale (customer_id) to customer is gone; ${takesOver}`],
    ],
    ['drop table sale', ['the source has no table sale']],
    [
      'alter table sale rename to sold; create view sale as select * from sold',
      ['sale is a view: only a table knows which of its rows are new'],
    ],
    [
      'create table more () inherits (sale)',
      ['other tables inherit from sale: no index is unique over the rows of all'],
    ],
  ])('finds what this does: %s', (change, findings) =>
    inSource(shop, async (source) => {
      await source.init();
      await source.client.query(change);
      // Whatever a table that became a view has lost with its columns' constraints comes after that.
      expect((await check(source)).slice(0, findings.length)).toEqual(
        findings.map((finding) => `starlift.lock.json: ${finding}`),
      );
    }),
  );

  it('takes over what has changed, and then says what the files make of it', () =>
    inSource(shop, async (source) => {
      await source.init();
      await source.client.query('alter table sale drop column sold_at, add column noted text');
      expect(await check(source, true)).toEqual([
        'tables/fact_sale.yml line 8: sale has no column sold_at',
        'tables/fact_sale.yml line 9: sale has no column sold_at',
      ]);
      expect(await checkOffline(source)).toEqual(await check(source));
    }));

  it('writes a lock that is missing or damaged, and keeps it where nothing has changed', () =>
    inSource(shop, async (source) => {
      await source.init();
      const before = source.read('starlift.lock.json');
      expect(await check(source, true)).toEqual([]);
      expect(source.read('starlift.lock.json')).toBe(before);
      source.write('starlift.lock.json', '{');
      expect(await check(source, true)).toEqual([]);
      source.remove('starlift.lock.json');
      expect(await checkOffline(source)).toEqual([
        'starlift.lock.json: is missing: starlift check --source URL --update writes it',
        expect.stringMatching(/^tables\/dim_customer\.yml line 3: customer is not in starlift\.lock\.json/),
        expect.stringMatching(/^tables\/fact_sale\.yml line 3: sale is not in starlift\.lock\.json/),
      ]);
      expect(await check(source, true)).toEqual([]);
      expect(JSON.parse(source.read('starlift.lock.json'))).toMatchObject({
        tables: (JSON.parse(before) as { tables: object }).tables,
      });
    }));
});

describe('a user who may not read everything', () => {
  const asReader = (grants: string, work: (source: Initialized, reader: pg.Client) => Promise<void>) =>
    inSource(shop, async (source) => {
      await source.client.query(`drop role if exists reader; create role reader login; ${grants}`);
      const url = new URL(source.url);
      url.username = 'reader';
      const reader = new pg.Client(url.href);
      await reader.connect();
      try {
        await work(source, reader);
      } finally {
        await reader.end();
        await source.client.query('drop owned by reader; drop role reader');
      }
    });

  it('gets a project of what can be read, and the statement for the rest', () =>
    asReader(
      'grant select on customer to reader; grant select (id) on sale to reader',
      async (source, reader) => {
        const outcome = await source.init({ as: reader });
        expect(kindsOf(outcome)).toEqual({ customer: 'dimension', sale: 'left out' });
        expect(outcome.leftOut).toMatchObject([{ remedy: 'grant select on "public"."sale" to reader' }]);
        expect(source.model().sources.map(({ name }) => name)).toEqual(['customer']);
      },
    ));

  it('is told which tables a project needs', () =>
    asReader('grant select (id, name, email) on customer to reader', async (source, reader) => {
      await source.init();
      const findings = await checkProject({ folder: source.folder, source: reader, isUpdate: false });
      expect(findings.map(({ message }) => message)).toEqual([
        'this user may not read customer: grant select on it to reader',
        'this user may not read sale: grant select on it to reader',
      ]);
    }));

  it('is told that row-level security hides rows', () =>
    asReader(
      'grant select on sale, customer to reader; alter table sale enable row level security',
      async (source, reader) => {
        await source.init();
        const findings = await checkProject({ folder: source.folder, source: reader, isUpdate: false });
        expect(findings.map(({ message }) => message)).toEqual([
          'row-level security hides rows of sale from this user',
        ]);
      },
    ));
});

describe('large tables', () => {
  it('would be looked at for less where the source summarized its log, and check says how', () =>
    inSource(
      `${shop} create table event (id int, day date, primary key (id, day)) partition by range (day);
       create table event_2024 partition of event for values from ('2024-01-01') to ('2025-01-01');
       insert into event select i, '2024-05-05' from generate_series(1, 3000) i;
       insert into customer select i, repeat('x', 100) from generate_series(1, 3000) i`,
      async (source) => {
        await source.init();
        const { client } = source;
        const advise = (worthBytes?: number) => adviseLargeTables(client, source.model(), worthBytes);
        expect(await advise()).toEqual([]);
        const { rows } = await client.query<{ size: string }>(
          `select pg_relation_size('customer') / 1024.0 as size`,
        );
        expect(Number(rows[0]?.size)).toBeGreaterThan(200);
        const [both = '', ...more] = await advise(50 * 1024);
        expect(more).toEqual([]);
        expect(both).toMatch(
          /^A look at 2 large tables, such as customer \(\d+\.\d KiB\) would read only the blocks/,
        );
        expect((await advise(200 * 1024))[0]).toMatch(/^A look at customer \(/);
        const statements = both.slice(both.indexOf('alter system')).split('; ');
        for (const statement of statements) await client.query(statement);
        try {
          await seen(async () => (await advise(0)).length === 0);
        } finally {
          await client.query('alter system reset summarize_wal');
          await client.query('select pg_reload_conf()');
        }
      },
    ));
});
