import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { formatFinding } from '../../../cli/configuration/yaml-file.ts';
import { checkProject } from '../../../cli/project/check/check.ts';
import { loadProject } from '../../../cli/project/compile/compile.ts';
import { initProject } from '../../../cli/project/init/init.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { OwnRoad } from './road-of-own.ts';

jest.setTimeout(240_000);

/** Types that a primary key may have, and values that are keys of different rows. */
const keys: readonly (readonly [type: string, values: readonly string[]])[] = [
  ['smallint', ['-1', '0', '5']],
  ['bigint', ['-9223372036854775808', '0', '9223372036854775807']],
  ['numeric', ['NaN', '1.10', '-0.000001', 'Infinity', '123456789012345678901234567890.123456789']],
  ['numeric(38,0)', ['1', '-3', '99999999999999999999999999999999999999']],
  ['numeric(5,-2)', ['12300', '-100']],
  ['real', ['0.1', '0', 'NaN', '-Infinity', '1e-40']],
  ['double precision', ['0.1', '5e-324', 'NaN', 'Infinity']],
  ['text', ['', 'a', 'A', 'é', 'e\u0301', 'a\tb', '\\N', 'null']],
  ['char(4)', ['', 'a', 'bb']],
  ['"char"', ['a', '\\', '']],
  ['mood', ['sad', 'it\'s, "so"']],
  ['counting', ['1', '2147483647']],
  ['date', ['2024-02-29', 'infinity', '-infinity', '0001-01-01 BC', '5874897-12-31']],
  ['time', ['00:00', '24:00', '12:34:56.789']],
  ['timetz', ['00:00+02', '24:00-03', '12:34:56.789+05:30']],
  ['timestamp', ['2024-02-29 12:00:00.000001', 'infinity', '-infinity', '4713-01-01 BC']],
  ['timestamptz', ['2024-02-29 12:00+05:30', 'infinity', '-infinity', '0044-03-15 00:00+00 BC']],
  ['interval', ['1 day', '-3 months 2 days', '00:00:01']],
  ['uuid', ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
  ['bytea', ['\\x', '\\x00ff', '\\x5c']],
  ['money', ['1.10', '-0.05', '92233720368547758.07']],
  ['boolean', ['true', 'false']],
  ['inet', ['10.0.0.1/24', '::1', '10.0.0.1']],
  ['jsonb', ['{"a": 1}', 'null', '[1, 2]', '"x"', '1.10']],
  ['text[]', ['{a,"b c"}', '{NULL,"NULL"}', '{"",x}', '{}']],
  ['daterange', ['[2024-01-01,2024-02-01)', 'empty', '(,)']],
  ['bit varying', ['1', '', '10101']],
  ['pair', ['(1,x)', '(2,"a,b")', '(,)']],
  ['xid8', ['1', '18446744073709551615']],
];

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** For each type a table with such a key, one that names it, and one with it in a key of two columns. */
const tables = keys.flatMap(([type, values], n) => [
  `create table thing_${n} (k ${type} primary key, label int not null)`,
  `create table event_${n} (id int primary key, k ${type} references thing_${n}, points int, happened_on date)`,
  `create table part_${n} (n int, k ${type}, label text, primary key (n, k))`,
  ...values.map((value, index) => `insert into thing_${n} values (${quote(value)}, ${index})`),
  `insert into event_${n} select row_number() over (order by label), k, 1, '2024-05-05' from thing_${n}`,
  `insert into event_${n} values (0, null, 7, null)`,
  `insert into part_${n} select n, k, 'x' from thing_${n}, generate_series(1, 2) n`,
]);

describe('keys of any type', () => {
  let server: PostgresServer;
  let road: OwnRoad;
  const folder = mkdtempSync(join(tmpdir(), 'starlift-keys-'));
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const planned = await server.createDatabase('planned');
    const source = new pg.Client(planned);
    await source.connect();
    const types = `create type mood as enum ('sad', 'it''s, "so"'); create domain counting as int check (value > 0);
      create type pair as (a int, b text)`;
    const ddl = [types, ...tables].join(';\n');
    await source.query(ddl);
    const { findings, leftOut } = await initProject({ source, folder, schemas: undefined, isMirror: false });
    await source.end();
    expect({ findings, leftOut }).toEqual({ findings: [], leftOut: [] });
    road = await OwnRoad.start(server, loadProject(folder));
    await road.change(ddl);
  });
  afterAll(async () => {
    await road?.end();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const rowsOf = async (side: 'source' | 'warehouse', table: string, columns: string) =>
    (await road[side](`select ${columns} from ${table}`)).map((row) => JSON.stringify(row)).sort();

  it('make dimensions, are named by facts and are a part of longer keys', async () => {
    const assertSame = async () => {
      for (const [n, [type]] of keys.entries()) {
        for (const [warehouse, source, columns] of [
          [`dim_thing_${n}`, `thing_${n}`, 'k::text, label'],
          [`fact_event_${n}`, `event_${n}`, 'id, k::text, points, happened_on'],
          [`dim_part_${n}`, `part_${n}`, 'n, k::text, label'],
        ] as const) {
          const plain = type === 'money' ? columns.replace('k::text', 'k::numeric::text') : columns;
          const wanted = await rowsOf('source', source, plain);
          expect({ type, rows: await rowsOf('warehouse', warehouse, columns) }).toEqual({
            type,
            rows: wanted,
          });
        }
      }
    };
    await road.run();
    await assertSame();
    for (const n of keys.keys()) {
      await road.change(`
        update thing_${n} set label = label + 100;
        update event_${n} set points = 2 where id <> 1;
        update part_${n} set label = 'y' where n = 2`);
    }
    await road.run();
    await assertSame();
    expect(await road.differences()).toEqual([]);
  });

  const caseless = {
    citext: { before: 'create extension citext', type: 'citext', how: 'citext' },
    'a nondeterministic collation': {
      before: `create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
      type: 'text collate ci',
      how: 'by its collation',
    },
  };

  it.each(Object.entries(caseless))(
    'of %s are named by a fact as the dimension writes them, and otherwise refused',
    async (name, { before, type, how }) => {
      const url = await server.createDatabase(`exact ${name}`);
      const client = new pg.Client(url);
      await client.connect();
      const folder = mkdtempSync(join(tmpdir(), 'starlift-keys-'));
      const ddl = `
      ${before};
      create table account (email ${type} primary key, name text);
      create table login (login_id int primary key, email ${type} references account, minutes int, happened_on date);
      insert into account values ('Ann@Example.org', 'Ann'), ('bo', 'Bo');
      insert into login values (1, 'ann@example.ORG', 5, '2024-05-05'), (2, 'BO', 6, '2024-05-06'), (3, null, 7, null)`;
      let exact: OwnRoad | undefined;
      try {
        await client.query(ddl);
        await initProject({ source: client, folder, schemas: undefined, isMirror: false });
        const file = join(folder, 'tables/fact_login.yml');
        const text = readFileSync(file, 'utf8');
        writeFileSync(file, text.replace('  email:\n', '  email: { references: dim_account }\n'));
        expect((await checkProject({ folder, source: client, isUpdate: false })).map(formatFinding)).toEqual([
          expect.stringMatching(
            new RegExp(
              `^tables/fact_login.yml line \\d: email references dim_account, and login.email takes texts .*\\(${how}\\)`,
            ),
          ),
        ]);
        writeFileSync(
          file,
          text.replace('  email:\n', '  email: { from: account.email, references: dim_account }\n'),
        );
        expect(await checkProject({ folder, source: client, isUpdate: false })).toEqual([]);
        exact = await OwnRoad.start(server, loadProject(folder));
        await exact.change(ddl);
        await exact.run();
        const facts = () => exact?.warehouse('select login_id, email, minutes from fact_login order by 1');
        expect(await facts()).toEqual([
          ['1', 'Ann@Example.org', '5'],
          ['2', 'bo', '6'],
          ['3', null, '7'],
        ]);
        await exact.change(`
        update login set minutes = 8 where email = 'aNN@example.org';
        insert into account values ('Cy', 'Cy'); insert into login values (4, 'cY', 9, '2024-05-07')`);
        await exact.run();
        expect(await facts()).toEqual([
          ['1', 'Ann@Example.org', '8'],
          ['2', 'bo', '6'],
          ['3', null, '7'],
          ['4', 'Cy', '9'],
        ]);
        expect(await exact.differences()).toEqual([]);
      } finally {
        await exact?.end();
        await client.end();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  it('of two lengths of char(n) and of two collations are joined and named all the same', async () => {
    const url = await server.createDatabase('kinds of text');
    const client = new pg.Client(url);
    await client.connect();
    const folder = mkdtempSync(join(tmpdir(), 'starlift-keys-'));
    const ddl = `
      create table country (code char(4) primary key, name text);
      create table region (code text collate "C" primary key, name text);
      create table visit (visit_id int primary key, country char(2) references country, region text collate "POSIX" references region,
        minutes int, happened_on date);
      insert into country values ('GB', 'Great Britain'); insert into region values ('north', 'North');
      insert into visit values (1, 'GB', 'north', 5, '2024-05-05')`;
    let exact: OwnRoad | undefined;
    try {
      await client.query(ddl);
      await initProject({ source: client, folder, schemas: undefined, isMirror: false });
      const file = join(folder, 'tables/fact_visit.yml');
      writeFileSync(file, `${readFileSync(file, 'utf8')}  region_name: { from: region.name }\n`);
      exact = await OwnRoad.start(server, loadProject(folder));
      await exact.change(ddl);
      await exact.run();
      expect(await exact.warehouse('select country, region, region_name from fact_visit')).toEqual([
        ['GB', 'north', 'North'],
      ]);
      expect(await exact.differences()).toEqual([]);
    } finally {
      await exact?.end();
      await client.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('of citext are named by no fact, for a fact may write them in other letters', async () => {
    const url = await server.createDatabase('caseless');
    const source = new pg.Client(url);
    await source.connect();
    const folder = mkdtempSync(join(tmpdir(), 'starlift-keys-'));
    try {
      await source.query(`
        create extension citext;
        create table account (email citext primary key, name text);
        create table login (login_id int primary key, email citext references account, minutes int, happened_on date);
        insert into account values ('Ann@Example.org', 'Ann');
        insert into login values (1, 'ann@example.ORG', 5, '2024-05-05')`);
      expect(await initProject({ source, folder, schemas: undefined, isMirror: false })).toMatchObject({
        findings: [],
      });
      const columns = loadProject(folder).tables.flatMap((table) =>
        table.kind === 'fact' ? [table.columns.email?.references, table.columns.happened_on?.references] : [],
      );
      expect(columns).toEqual([undefined, 'dim_date']);
    } finally {
      await source.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
