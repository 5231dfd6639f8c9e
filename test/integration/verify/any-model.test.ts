import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../../cli/database/connect.ts';
import { UsageError } from '../../../cli/terminal/usage-error.ts';
import { describeFound } from '../../../cli/verify/compare-table.ts';
import { countDangling } from '../../../cli/verify/dangling.ts';
import { readWarehouseColumns } from '../../../cli/verify/databases/warehouse-columns.ts';
import { type Expectations, parseExpectations } from '../../../cli/verify/expected/expect-files.ts';
import { makeHasLate } from '../../../cli/verify/expected/source-rows.ts';
import { type Key, makeTableReport, type VerifyReport } from '../../../cli/verify/report.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import type { ColumnDefinition, ModelDefinition, SourceDefinition } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { differences, examples } from './exact-copy.ts';

/** Composite keys of texts, two schemas, a table joined to itself and twice to another one, and a join through a join. */
const sourceSql = `
create schema people;
create table people.country (code char(2) primary key, name text);
create table people.address (id bigint primary key, city text, country char(2));
create table people.person (id uuid primary key, name text not null, boss uuid, home bigint, work bigint);
create table part (maker text collate "C", number int, label text, grams float4, made timestamptz not null,
  colour text, ready text, primary key (maker, number));
create table stock (maker text, number int, place text, amount numeric, counted timestamp not null,
  keeper uuid, primary key (maker, number, place));
insert into people.country values ('GB', 'Britain'), ('IS', 'Ísland');
insert into people.address values (1, 'Leeds', 'GB'), (2, 'Reykjavík', 'IS'), (3, 'Nowhere', null);
insert into people.person values
  ('00000000-0000-0000-0000-00000000000a', 'Ann', null, 1, 2),
  ('ffffffff-0000-0000-0000-00000000000b', 'Bo', '00000000-0000-0000-0000-00000000000a', 3, null),
  ('0fffffff-0000-0000-0000-00000000000c', 'Cy', 'ffffffff-0000-0000-0000-00000000000b', null, 1);
insert into part values
  ('a', 10, 'ten', 0.1, '2024-02-28 23:30:00-01', 'r', '2024-02-29'),
  ('a', 9, 'nine', 'NaN', '2024-02-28 00:00:00+01', 'g', '2024-02-29'),
  ('B', 1, null, 1e10, 'infinity', 'blue', null),
  ('ä', 1, '', '-0', '2024-02-28 12:00:00+00', null, '2024-03-01'),
  ('a b', 1, 'x, "y"', 2, '2024-02-28 12:00:00.5+00', 'b', '2024-03-01'),
  ('😀', 1, 'smile', 2, '2024-02-28 12:00:00+00', 'b', '2024-03-01'),
  (U&'\\FFFD', 1, 'lost', 2, '2024-02-28 12:00:00+00', 'b', '2024-03-01');
insert into stock values
  ('a', 9, 'x', 1.50, '2024-02-28 12:00:00', '00000000-0000-0000-0000-00000000000a'),
  ('a', 10, 'x', 7, '2024-02-28 12:00:00.25', null),
  ('a', 9, 'X', 2, '2024-02-28 12:00:00', 'ffffffff-0000-0000-0000-00000000000b');
`;

const warehouseSql = `
create table person (id uuid, name text, boss_id uuid, boss text, bosses_boss text, home text, home_country text, work text, work_country text);
create table part (maker text collate "en-x-icu", number bigint, label varchar, grams double precision, made timestamptz,
  made_on date, made_at time, colour text, shade text, exact text, ready date);
create table stock_now (place text, number int, maker text, amount numeric(12,3), keeper uuid, keeper_name text);
create table stock_then (maker text, number int, place text, counted timestamp, amount text);
create table days (date_id date, quarter int, day_name varchar);
insert into person values
  ('00000000-0000-0000-0000-00000000000a', 'Ann', null, null, null, 'Leeds', 'Britain', 'Reykjavík', 'Ísland'),
  ('ffffffff-0000-0000-0000-00000000000b', 'Bo', '00000000-0000-0000-0000-00000000000a', 'Ann', null, 'Nowhere', null, null, null),
  ('0fffffff-0000-0000-0000-00000000000c', 'Cy', 'ffffffff-0000-0000-0000-00000000000b', 'Bo', 'Ann', null, null, 'Leeds', 'Britain');
insert into part values
  ('ä', 1, '', '-0', '2024-02-28 12:00:00+00', '2024-02-28', '12:00:00', null, null, null, '2024-03-01'),
  ('a', 10, 'ten', 0.10000000149011612, '2024-02-29 00:30:00+00', '2024-02-29', '00:30:00', 'red', 'red', 'red', '2024-02-29'),
  ('a', 9, 'nine', 'NaN', '2024-02-27 23:00:00+00', '2024-02-27', '23:00:00', 'green', 'green', 'green', '2024-02-29'),
  ('a b', 1, 'x, "y"', 2, '2024-02-28 12:00:00.5+00', '2024-02-28', '12:00:00.5', 'Pa’anga', 'Pa’anga', 'Pa’anga', '2024-03-01'),
  ('😀', 1, 'smile', 2, '2024-02-28 12:00:00+00', '2024-02-28', '12:00:00', 'Pa’anga', 'Pa’anga', 'Pa’anga', '2024-03-01'),
  (U&'\\FFFD', 1, 'lost', 2, '2024-02-28 12:00:00+00', '2024-02-28', '12:00:00', 'Pa’anga', 'Pa’anga', 'Pa’anga', '2024-03-01');
insert into stock_now values
  ('x', 9, 'a', 1.5, '00000000-0000-0000-0000-00000000000a', 'Ann'), ('x', 10, 'a', 7, null, null),
  ('X', 9, 'a', 2, 'ffffffff-0000-0000-0000-00000000000b', 'Bo');
insert into stock_then values
  ('a', 9, 'x', '2024-02-28 12:00:00', '1.50'), ('a', 9, 'x', '2024-02-27 12:00:00', '4'),
  ('a', 10, 'x', '2024-02-28 12:00:00.25', '7'), ('a', 9, 'X', '2024-02-28 12:00:00', '2');
insert into days values ('2024-02-27', 1, 'Tuesday'), ('2024-02-28', 1, 'Wednesday'), ('2024-02-29', 1, 'Thursday'), ('2024-03-01', 1, 'Friday');
`;

const column = (
  type: ColumnDefinition['type'],
  field: string,
  more: Partial<ColumnDefinition> = {},
): ColumnDefinition => ({ type, from: { kind: 'field', field }, nullable: true, ...more });

const text = { name: 'text' } as const;
const address = { schema: 'people', table: 'address', columns: { city: 'varchar?' } } as const;
const country = {
  schema: 'people',
  table: 'country',
  match: { country: 'code' },
  columns: { name: 'varchar?' },
} as const;

const stock: SourceDefinition = {
  table: 'stock',
  key: ['maker', 'number', 'place'],
  columns: {
    maker: 'varchar',
    number: 'int4',
    place: 'varchar',
    amount: 'numeric?',
    counted: 'timestamp',
    keeper: 'uuid?',
  },
  joins: [
    {
      path: 'person',
      schema: 'people',
      table: 'person',
      match: { keeper: 'id' },
      columns: { name: 'varchar?' },
    },
  ],
};
const stockKey = {
  maker: column(text, 'maker', { nullable: false }),
  number: column({ name: 'int' }, 'number', { nullable: false }),
  place: column(text, 'place', { nullable: false }),
};
const lookup = (otherwise?: 'self' | 'null'): ColumnDefinition =>
  column(text, 'colour', {
    from: {
      kind: 'lookup',
      field: 'colour',
      lookup: 'colours',
      ...(otherwise !== undefined && { else: otherwise }),
    },
  });

const definition: ModelDefinition = {
  name: 'anything',
  lookups: { colours: { r: 'red', g: 'green', b: 'Pa’anga' } },
  tables: [
    {
      kind: 'calendar',
      name: 'days',
      key: 'date_id',
      columns: {
        date_id: { type: { name: 'date' }, nullable: false },
        quarter: { type: { name: 'int' }, nullable: false },
        day_name: { type: { name: 'varchar' }, nullable: false },
      },
    },
    {
      kind: 'dimension',
      name: 'person',
      source: {
        schema: 'people',
        table: 'person',
        key: ['id'],
        columns: { id: 'uuid', name: 'varchar', boss: 'uuid?', home: 'int8?', work: 'int8?' },
        joins: [
          {
            path: 'boss',
            schema: 'people',
            table: 'person',
            match: { boss: 'id' },
            columns: { name: 'varchar?' },
          },
          {
            path: 'boss.boss',
            from: 'boss',
            schema: 'people',
            table: 'person',
            match: { boss: 'id' },
            columns: { name: 'varchar?' },
          },
          { path: 'home', match: { home: 'id' }, ...address },
          { path: 'home.country', from: 'home', ...country },
          { path: 'work', match: { work: 'id' }, ...address },
          { path: 'work.country', from: 'work', ...country },
        ],
      },
      key: ['id'],
      columns: {
        id: column({ name: 'uuid' }, 'id', { nullable: false }),
        name: column(text, 'name'),
        boss_id: column({ name: 'uuid' }, 'boss', { references: 'person' }),
        boss: column(text, 'boss.name'),
        bosses_boss: column(text, 'boss.boss.name'),
        home: column(text, 'home.city'),
        home_country: column(text, 'home.country.name'),
        work: column(text, 'work.city'),
        work_country: column(text, 'work.country.name'),
      },
    },
    {
      kind: 'table',
      name: 'part',
      source: {
        table: 'part',
        key: ['maker', 'number'],
        columns: {
          maker: 'varchar',
          number: 'int4',
          label: 'varchar?',
          grams: 'float4?',
          made: 'timestamptz',
          colour: 'varchar?',
          ready: 'varchar?',
        },
      },
      key: ['maker', 'number'],
      columns: {
        label: column({ name: 'varchar' }, 'label'),
        number: column({ name: 'bigint' }, 'number', { nullable: false }),
        maker: column(text, 'maker', { nullable: false }),
        grams: column({ name: 'double precision' }, 'grams'),
        made: column({ name: 'timestamptz' }, 'made'),
        made_on: column({ name: 'date' }, 'made', {
          from: { kind: 'date of', field: 'made' },
          references: 'days',
        }),
        made_at: column({ name: 'time' }, 'made', { from: { kind: 'time of', field: 'made' } }),
        colour: lookup('self'),
        shade: lookup('null'),
        exact: lookup(),
        ready: column({ name: 'date' }, 'ready', {
          from: { kind: 'date', field: 'ready' },
          references: 'days',
        }),
      },
    },
    {
      kind: 'fact',
      name: 'stock_now',
      source: stock,
      key: ['place', 'number', 'maker'],
      versions: [],
      columns: {
        ...stockKey,
        amount: column({ name: 'numeric', precision: 12, scale: 3 }, 'amount'),
        keeper: column({ name: 'uuid' }, 'keeper', { references: 'person' }),
        keeper_name: column(text, 'person.name'),
      },
    },
    {
      kind: 'fact',
      name: 'stock_then',
      source: stock,
      key: ['maker', 'number', 'place'],
      versions: ['counted'],
      columns: {
        ...stockKey,
        counted: column({ name: 'timestamp' }, 'counted', { nullable: false }),
        amount: column(text, 'amount', { from: { kind: 'text', field: 'amount' } }),
      },
    },
  ],
};
const model = assembleModel(definition);

/** What is made of a part that the exact copy has not: no lookup lists its colour, and its day is infinite. */
const blue = `insert into part values ('B', 1, null, 1e10, 'infinity', 'infinity', null, 'blue', null, 'blue', null)`;

describe('verify, of any model,', () => {
  let servers: PostgresServer[] = [];
  let databases = 0;
  beforeAll(async () => {
    servers = await Promise.all([
      startTemporaryPostgres({ settings: { timezone: 'America/St_Johns' } }),
      startTemporaryPostgres({ settings: { datestyle: 'SQL, DMY', timezone: 'Asia/Tokyo' } }),
    ]);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  async function makeDatabase(server: PostgresServer | undefined, sql: string) {
    if (server === undefined) throw new Error('two servers were started');
    databases += 1;
    const url = await server.createDatabase(`any_${databases}`);
    const client = await connect(url, 'warehouse');
    await client.query(`set datestyle = iso; ${sql}`);
    await client.end();
    return connect(url, 'warehouse');
  }

  async function verifyAfter(
    { source = '', warehouse = '' }: { source?: string; warehouse?: string },
    more: { expectations?: Expectations } = {},
  ): Promise<VerifyReport> {
    const clients = {
      source: await makeDatabase(servers[0], `${sourceSql} ${source}`),
      warehouse: await makeDatabase(servers[1], `${warehouseSql} ${warehouse}`),
    };
    try {
      return await verifyWarehouse({ ...clients, warehouseSchema: 'public', model, ...more });
    } finally {
      await Promise.all([clients.source.end(), clients.warehouse.end()]);
    }
  }

  /** In the exact copy this one row is missing: the warehouse can hold no such row. */
  const unfit = { part: { missing: 1 } };

  it('finds each row of an exact copy, and the one that no warehouse can hold', async () => {
    const report = await verifyAfter({});
    expect(report.tables.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(differences(report)).toEqual(unfit);
    expect(Object.fromEntries(report.tables.map(({ table, found }) => [table, found]))).toEqual({
      days: 4,
      part: 6,
      person: 3,
      stock_now: 3,
      stock_then: 3,
    });
    expect(examples(report)).toEqual([{ kind: 'missing', table: 'part', key: ['B', '1'] }]);
  });

  it('takes a text that a lookup without else does not list for none of the warehouse', async () => {
    const report = await verifyAfter({ warehouse: blue });
    expect(examples(report)).toEqual([
      {
        kind: 'different',
        table: 'part',
        key: ['B', '1'],
        column: 'exact',
        expected: 'blue (not in the lookup colours)',
        found: 'blue',
      },
      { kind: 'dangling', table: 'part', key: ['B', '1'], column: 'made_on', found: 'infinity' },
    ]);
  });

  it.each([
    [
      'a name of a join through a join',
      `update person set bosses_boss = 'Bo' where name = 'Cy'`,
      { ...unfit, person: { different: 1 } },
    ],
    [
      'a name of the other one of two joins to one table',
      `update person set work = home, home = work where name = 'Cy'`,
      { ...unfit, person: { different: 1 } },
    ],
    [
      'a time of day in another zone',
      `update part set made_at = '23:30' where label = 'ten'`,
      { part: { missing: 1, different: 1 } },
    ],
    [
      'the digits of a narrower number',
      'update part set grams = 0.1 where number = 10',
      { part: { missing: 1, different: 1 } },
    ],
    [
      'the sign of a zero',
      `update part set grams = 0 where maker = 'ä'`,
      { part: { missing: 1, different: 1 } },
    ],
    [
      'a name that a lookup has not given',
      `update part set shade = 'rot' where number = 10`,
      { part: { missing: 1, different: 1 } },
    ],
    [
      'a zero at the end of a text',
      `update stock_then set amount = '1.5' where amount = '1.50'`,
      { ...unfit, stock_then: { different: 1 } },
    ],
    [
      'the newest version of a key',
      `delete from stock_then where amount = '1.50'`,
      { ...unfit, stock_then: { missing: 1 } },
    ],
    [
      'a row that is there twice, without versions',
      'insert into stock_now select * from stock_now where number = 10',
      { ...unfit, stock_now: { doubled: 1 } },
    ],
    [
      'a key that differs in case alone',
      `update stock_now set place = 'x' where place = 'X'`,
      { ...unfit, stock_now: { missing: 1, doubled: 1, different: 1 } },
    ],
    [
      'rows that sort first, between and last by any order',
      `insert into part select maker, 1 from unnest('{A,Z,a,aa,z,é,京,😁}'::text[]) as maker`,
      { part: { missing: 1, extra: 8 } },
    ],
    [
      'a day that the calendar lacks',
      `delete from days where date_id = '2024-03-01'`,
      { days: { missing: 1 }, part: { missing: 1, dangling: 4 } },
    ],
    [
      'a person whom a fact names',
      `delete from person where name = 'Ann'`,
      { ...unfit, person: { missing: 1, dangling: 1 }, stock_now: { dangling: 1 } },
    ],
  ])('finds %s', async (_, warehouse, found) => {
    expect(differences(await verifyAfter({ warehouse }))).toEqual(found);
  });

  it.each([
    [
      'is on its way',
      { isLate: ({ aliases: [alias] }: { aliases: readonly string[] }) => `(${alias}.name = 'Bo')` },
    ],
    [
      'is in quarantine',
      { isQuarantined: (_: string, key: Key) => key === 'ffffffff-0000-0000-0000-00000000000b' },
    ],
  ])('counts no reference of a dimension as dangling whose row %s', async (_, known) => {
    const source = await makeDatabase(servers[0], sourceSql);
    const warehouse = await makeDatabase(
      servers[1],
      `${warehouseSql} delete from person where name in ('Ann', 'Bo');
       insert into person (id, name, boss_id) values
         ('a0000000-0000-0000-0000-000000000000', 'Di', 'ffffffff-0000-0000-0000-00000000000b'),
         ('b0000000-0000-0000-0000-000000000000', 'Ed', '00000000-0000-0000-0000-00000000000a')`,
    );
    try {
      await source.query('begin');
      await warehouse.query('begin');
      const [person, report] = [model.table('person'), makeTableReport('person')];
      if (person.kind !== 'dimension') throw new Error('a person is a dimension');
      const evidence = { isLate: () => 'false', isQuarantined: () => false, ...known };
      await countDangling(
        person,
        {
          source,
          warehouse,
          model,
          evidence,
          hasLate: makeHasLate(source, evidence.isLate),
          foundTypes: await describeFound(warehouse, person),
          columns: await readWarehouseColumns(warehouse, model),
        },
        report,
      );
      expect(report.examples).toEqual([
        {
          kind: 'dangling',
          table: 'person',
          key: 'b0000000-0000-0000-0000-000000000000',
          column: 'boss_id',
          found: '00000000-0000-0000-0000-00000000000a',
        },
      ]);
      expect(report.dangling).toBe(1);
    } finally {
      await Promise.all([source.end(), warehouse.end()]);
    }
  });

  it('prints the whole of a key, and the version', async () => {
    const report = await verifyAfter({
      source: `delete from stock where number = 9 and place = 'x'; delete from part where label = 'x, "y"'`,
    });
    expect(differences(report)).toEqual({
      part: { missing: 1, extra: 1 },
      stock_now: { extra: 1 },
      stock_then: { extra: 2 },
    });
    const extra = report.tables.flatMap(({ examples }) => examples.filter(({ kind }) => kind === 'extra'));
    expect(extra.map(({ table, key, found }) => [table, key, found])).toEqual([
      ['part', ['a b', '1'], undefined],
      ['stock_now', ['x', '9', 'a'], undefined],
      ['stock_then', ['a', '9', 'x'], '2024-02-27 12:00:00'],
      ['stock_then', ['a', '9', 'x'], '2024-02-28 12:00:00'],
    ]);
  });

  describe('by a query of the user’s own,', () => {
    const people = `
      -- In any order; a semicolon at the end does no harm.
      select p.name, p.id, p.boss as boss_id, 'x' || ';' as boss, null as bosses_boss, 'Ísland' as home, null::int as home_country,
             p.work::numeric as work, true as work_country
        from people.person p where p.name = 'Bo' or p.name = 'Cy';
      /* done */`;
    const verifyBy = (files: Record<string, string>, warehouse = '') =>
      verifyAfter({ warehouse }, { expectations: parseExpectations(files, model) });

    it('compares what it gives as text, in place of what the model says', async () => {
      const report = await verifyBy(
        { person: people },
        `update person set boss = 'x;', bosses_boss = null, home = 'Ísland', home_country = null, work = null, work_country = 'true'
          where name in ('Ann', 'Bo');
         update person set boss = 'x;', bosses_boss = null, home = 'Ísland', home_country = '', work = '1', work_country = 't'
          where name = 'Cy'`,
      );
      expect(report.tables.flatMap(({ problem }) => problem ?? [])).toEqual([]);
      expect(differences(report)).toEqual({ ...unfit, person: { different: 1, extra: 1 } });
      expect(examples(report).filter(({ table }) => table === 'person')).toEqual([
        { kind: 'extra', table: 'person', key: '00000000-0000-0000-0000-00000000000a' },
        {
          kind: 'different',
          table: 'person',
          key: '0fffffff-0000-0000-0000-00000000000c',
          column: 'home_country',
          expected: null,
          found: '',
        },
        {
          kind: 'different',
          table: 'person',
          key: '0fffffff-0000-0000-0000-00000000000c',
          column: 'work_country',
          expected: 'true',
          found: 't',
        },
      ]);
    });

    it.each([
      [
        'select id, name from people.person',
        /^person cannot be compared: expect\/person\.sql does not give boss_id, boss, /,
      ],
      [
        'select *, 1 as more from (select null::uuid as id, 1 as name, null::uuid as boss_id, 1 as boss, 1 as bosses_boss, 1 as home, 1 as home_country, 1 as work, 1 as work_country) as x',
        /expect\/person\.sql gives more, which the table does not have$/,
      ],
      ['select nonsense', /^person cannot be compared: column "nonsense" does not exist$/],
      ['delete from people.person returning *', /^person cannot be compared: /],
    ])('names the one that cannot be used, and compares the other tables: %s', async (sql, problem) => {
      const report = await verifyBy({ person: sql });
      expect(report.tables.flatMap((table) => table.problem ?? [])).toEqual([expect.stringMatching(problem)]);
      expect(report.ok).toBe(false);
      expect(differences(report)).toEqual(unfit);
    });

    it.each([
      [
        { persons: people },
        'expect/persons.sql is of no table of the model: name it as the table that it is for',
      ],
      [{ person: 'select 1; select 2' }, 'expect/person.sql has several statements: it must be one select'],
      [{ person: '-- later' }, 'expect/person.sql has no statement: it must be one select'],
    ])('refuses a file that no table can be compared with', (files, message) => {
      expect(() => parseExpectations(files, model)).toThrow(new UsageError(message));
    });
  });
});
