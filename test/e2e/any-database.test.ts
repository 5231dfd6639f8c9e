import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { starlift as start } from '../helpers/processes/starlift.ts';
import { ask } from './road.ts';

/** A library of several schemas, as no file of the project knows it. */
const library = `
  create schema hr;
  create type genre as enum ('novel', 'poetry');
  create domain isbn as text check (value ~ '^[0-9-]+$');
  create table hr."Clerk" ("Id" uuid primary key, name text not null, "passwordHash" text);
  create table country (code char(2) primary key, name text not null);
  create table author (id smallint primary key, name varchar(40) not null, country_code char(2) references country,
    born date);
  create table book (isbn isbn primary key, title text not null, author_id smallint not null references author,
    genre genre, tags text[], price numeric(6,2), cover bytea, details jsonb);
  create table loan (copy int not null, lent_at timestamptz not null, isbn isbn not null references book,
    clerk_id uuid, returned_at timestamptz, fee numeric, length interval, primary key (copy, lent_at))
    partition by range (lent_at);
  create table loan_2025 partition of loan for values from ('2025-01-01') to ('2026-01-01');
  create table loan_2026 partition of loan for values from ('2026-01-01') to ('2027-01-01');
  create table motto (line text);

  insert into hr."Clerk" values ('00000000-0000-0000-0000-00000000000a', 'Ada', 'x'),
    ('00000000-0000-0000-0000-00000000000b', 'Bo', 'y');
  insert into country values ('GB', 'Great Britain'), ('F', 'France');
  insert into author values (1, 'Brontë', 'GB', '1816-04-21'), (2, 'Nobody', null, '0044-03-15 BC');
  insert into book values ('1-1', 'Jane', 1, 'novel', '{a,"b c",NULL}', 12.50, '\\x00ff', '{"a": [1, 2.50]}'),
    ('2-2', E'Line\\n"two"', 2, null, null, null, null, null);
  insert into loan select i, '2025-12-30 12:00+01'::timestamptz + i * interval '1 day', (array['1-1', '2-2'])[i % 2 + 1],
    null, null, case when i = 3 then 'NaN'::numeric else i * 1.10 end, i * interval '1 day 2 hours'
    from generate_series(1, 5) i;
`;

describe('a database that nobody has described', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());

  let project: string;
  let source: string;
  let warehouse: string;
  let databases = 0;
  beforeEach(async () => {
    databases += 1;
    project = await mkdtemp(join(tmpdir(), 'starlift-any-'));
    source = await server.createDatabase(`library_${databases}`);
    warehouse = await server.createDatabase(`warehouse_${databases}`);
    await ask(source, library);
  });
  afterEach(() => rm(project, { recursive: true, force: true }));

  const starlift = (...args: string[]) =>
    start(args, { SOURCE_URL: source, WAREHOUSE_URL: warehouse }, undefined, project);

  /** In an order that no locale changes. */
  const rowsOf = async (url: string, columns: string, rest: string) =>
    (await ask(url, `select ${columns} from ${rest}`)).map((row) => JSON.stringify(row)).sort();

  it('is loaded into a star by init and run, without an edit', async () => {
    const initialized = await starlift('init', '--schemas', 'public,hr');
    expect(initialized).toMatchObject({ code: 0, stderr: '' });
    const loaded = await starlift('run');
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.stdout).toContain('All loaded: ');

    const loan =
      'copy::text, lent_at::text, isbn::text, clerk_id::text, returned_at::text, fee::text, length::text';
    expect(await rowsOf(warehouse, `${loan}, lent_date::text`, 'fact_loan')).toEqual(
      await rowsOf(source, `${loan}, (lent_at at time zone 'UTC')::date::text`, 'loan'),
    );
    expect(
      await rowsOf(
        warehouse,
        'isbn::text, title, author_id::text, genre, tags::text, price::text, cover::text, details::text, author_name, country_name',
        'dim_book',
      ),
    ).toEqual(
      await rowsOf(
        source,
        'isbn::text, title, author_id::text, genre::text, tags::text, price::text, cover::text, details::text, author.name, country.name',
        'book join author on author.id = author_id left join country on code = country_code',
      ),
    );
    expect(
      await ask(warehouse, 'select count(*) from dim_date join fact_loan on lent_date = date_id'),
    ).toEqual([['5']]);
    expect(await rowsOf(warehouse, '"Id"::text, name', '"dim_Clerk"')).toEqual(
      await rowsOf(source, '"Id"::text, name', 'hr."Clerk"'),
    );
    expect(
      await ask(
        warehouse,
        `select count(*) from information_schema.columns where column_name ilike '%password%'
          and table_schema not in ('pg_catalog', 'information_schema')`,
      ),
    ).toEqual([['0']]);
  });

  it('is copied by init --mirror and run, and a second init brings what is new', async () => {
    expect(await starlift('init', '--mirror', '--schemas', 'public,hr')).toMatchObject({ code: 0 });
    expect(await starlift('run')).toMatchObject({ code: 0 });
    const books = 'isbn::text, title, author_id::text, genre::text, tags::text, price::text, details::text';
    expect(await rowsOf(warehouse, books, 'book')).toEqual(await rowsOf(source, books, 'book'));
    await ask(
      source,
      `alter table author add died date; update author set died = '1855-03-31' where id = 1;
       create table branch (id int primary key, town text); insert into branch values (1, 'Haworth')`,
    );
    expect(await starlift('init', '--mirror')).toMatchObject({ code: 0 });
    // A column that is added to the warehouse's table is somebody's own until a run adds it.
    await ask(warehouse, 'alter table author add died date');
    expect(await starlift('run')).toMatchObject({ code: 0 });
    const authors = 'id::text, name, country_code::text, born::text, died::text';
    expect(await rowsOf(warehouse, authors, 'author')).toEqual(await rowsOf(source, authors, 'author'));
    expect(await ask(warehouse, 'select id, town from branch')).toEqual([['1', 'Haworth']]);
  });
});
