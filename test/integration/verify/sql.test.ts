import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { answer } from '../../../cli/sql/commands.ts';
import type { SqlConsole } from '../../../cli/sql/print-result.ts';
import { promptForStatements } from '../../../cli/sql/prompt.ts';
import { describeSqlError, makeSession } from '../../../cli/sql/session.ts';
import { splitStatements } from '../../../cli/sql/split-statements.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

interface ConsoleOptions {
  json?: boolean;
  mode?: 'read only' | 'read write';
  stderr?: PassThrough;
}

const values = `select 9223372036854775807 as big, 99999999.90::numeric(10,2) as price,
  timestamp '2024-02-28 14:20:52.186001' as at, true as ok, null::text as nothing, '' as empty`;

describe('asking a database', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = await connect(server.url(), 'warehouse');
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  const makeConsole = (
    stdout: PassThrough,
    { json = false, mode = 'read only', stderr = new PassThrough() }: ConsoleOptions = {},
  ): SqlConsole => ({
    session: makeSession(client, mode),
    terminal: makeTerminal(stdout, stderr, json),
    expanded: 'auto',
  });

  async function outputOf(sql: string, options: ConsoleOptions = {}): Promise<string> {
    const stdout = new PassThrough();
    const console = makeConsole(stdout, options);
    const { statements, rest } = splitStatements(sql);
    for (const statement of rest.trim() === '' ? statements : [...statements, rest]) {
      await answer(statement, console);
    }
    stdout.end();
    return text(stdout);
  }
  const errorOf = (sql: string, options: ConsoleOptions = {}) =>
    outputOf(sql, options).then(
      () => 'no error',
      (error: unknown) => describeSqlError(error, sql, { isReadOnly: options.mode !== 'read write' }),
    );
  const write = (sql: string) => outputOf(sql, { mode: 'read write' });

  // All of these are what psql 15 prints.
  it.each([
    [
      values,
      `         big         |    price    |             at             | ok | nothing | empty 
---------------------+-------------+----------------------------+----+---------+-------
 9223372036854775807 | 99999999.90 | 2024-02-28 14:20:52.186001 | t  |         | 
(1 row)

`,
    ],
    ['select 1 as a where false', ' a \n---\n(0 rows)\n\n'],
    ['select', '--\n(1 row)\n\n'],
    [`select E'one\\ntwo' as note, 7 as n`, ' note | n \n------+---\n one +| 7\n two  | \n(1 row)\n\n'],
  ])('shows what psql shows of %s', async (statement, expected) => {
    expect(await outputOf(statement)).toBe(expected);
  });

  it('gives values as texts of Postgres in JSON', async () => {
    expect(JSON.parse(await outputOf(values, { json: true }))).toEqual({
      columns: ['big', 'price', 'at', 'ok', 'nothing', 'empty'],
      rows: [['9223372036854775807', '99999999.90', '2024-02-28 14:20:52.186001', 't', null, '']],
      rowCount: 1,
    });
  });

  it('shows each of several statements, and nothing for a comment', async () => {
    const statements =
      'create temp table t (n int); insert into t values (1), (2); select n from t order by n desc';
    expect(await write(statements)).toBe('CREATE\nINSERT 2\n n \n---\n 2\n 1\n(2 rows)\n\n');
    expect(await outputOf('-- nothing')).toBe('');
  });

  it('says what the server says, with its hint, and shows the place', async () => {
    const error = await errorOf('select lenght(7::text)');
    expect(error).toMatch(/^function lenght\(text\) does not exist; .*\n/);
    expect(error.split('\n').slice(1)).toEqual(['LINE 1: select lenght(7::text)', '               ^']);
  });

  // As psql 15 shows them.
  it.each([
    ['select 1,\n  nope\n from pg_class', ['LINE 2:   nope', '          ^']],
    ["select '日本', nope", ["LINE 1: select '日本', nope", '                       ^']],
    ['select\tnope', ['LINE 1: select nope', '               ^']],
    ["select '𝒳' as a, nope", ["LINE 1: select '𝒳' as a, nope", '                         ^']],
  ])('shows the place in %j', async (sql, expected) => {
    expect((await errorOf(sql)).split('\n').slice(1)).toEqual(expected);
  });

  it('shows as much of a long line as fits', async () => {
    const error = await errorOf(`select ${'1 + '.repeat(100)}nope ${'+ 1'.repeat(100)}`);
    const [, line = '', caret = ''] = error.split('\n');
    expect(line.length).toBeLessThanOrEqual(86);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^nope /);
  });

  describe('read-only', () => {
    beforeAll(async () => {
      await write('create table kept (n int primary key); insert into kept values (1)');
    });
    const isKept = async () => expect(await outputOf('select n from kept')).toBe(' n \n---\n 1\n(1 row)\n\n');

    it.each([
      ['delete from kept'],
      ['DELETE FROM kept RETURNING n'],
      ['with gone as (delete from kept returning *) select * from gone'],
      ['truncate kept'],
      ['drop table kept'],
      ['create table other ()'],
      ['vacuum kept'],
      ['do $$ begin delete from kept; end $$'],
      // Each of these would be let through if the session alone were read-only.
      ['set default_transaction_read_only = off; delete from kept'],
      ['set session characteristics as transaction read write; delete from kept'],
      ['begin; delete from kept'],
      ['begin read write; delete from kept'],
      ['/* a */ -- b\n start transaction read write; delete from kept'],
      ['commit; delete from kept'],
    ])('refuses %s, and says how to write', async (sql) => {
      expect(await errorOf(sql)).toMatch(
        /^the session is read-only: [^\n]+ \(starlift sql --write lets statements change data\)$/,
      );
      await outputOf('rollback').catch(() => {});
      await isKept();
    });

    it.each([
      ['begin; set transaction read write', /must be set before any query/],
      ['set transaction read write; select 1 from kept; delete from kept', /read-only/],
    ])('is not left by %s', async (sql, message) => {
      expect(await errorOf(sql)).toMatch(message);
      await outputOf('rollback').catch(() => {});
      await isKept();
    });

    it('leaves no setting behind, for another client of a pooler to find', async () => {
      await outputOf('select 1');
      const { rows } = await client.query(
        "select current_setting('default_transaction_read_only') as d, current_setting('transaction_read_only') as t",
      );
      expect(rows).toEqual([{ d: 'off', t: 'off' }]);
    });

    it('keeps a transaction of the user own, and goes on after an error', async () => {
      expect(
        await outputOf('begin isolation level repeatable read; show transaction_isolation; commit'),
      ).toContain(' repeatable read\n');
      await errorOf('select nope');
      await isKept();
      expect(await outputOf("set work_mem = '5MB'; show work_mem; reset work_mem")).toContain(' 5MB\n');
    });

    it('is over with --write, in which a statement may be anything', async () => {
      await write('create table written (); vacuum written; drop table written');
      await expect(write('select from written')).rejects.toThrow('does not exist');
    });
  });

  it('cancels what runs, on the server', async () => {
    const session = makeSession(client, 'read only');
    const sleeping = session.run('select pg_sleep(60)').catch((error: { code?: string }) => error.code);
    const watcher = await connect(server.url(), 'warehouse');
    const asleep = `select from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'`;
    try {
      while ((await watcher.query(asleep)).rows.length === 0);
      await session.cancel();
      // 57014 query_canceled
      expect(await sleeping).toBe('57014');
      expect((await watcher.query(asleep)).rows).toEqual([]);
      expect((await session.run('select 1')).rows).toEqual([['1']]);
    } finally {
      await watcher.end();
    }
  });

  describe('what a prompt knows of tables', () => {
    beforeAll(async () => {
      await write(`create schema star; create table star.dim (id int primary key, "Name" text not null default 'x''y');
        create table star.fact (id bigint, dim_id int references star.dim, constraint u unique (dim_id));
        create view star.both as select 1 as one`);
    });
    afterAll(() => write('drop schema star cascade'));

    it('lists them whatever the search path is', async () => {
      const listed = await outputOf('\\dt star.*');
      expect(listed.split('\n').filter((line) => / star /.test(line))).toHaveLength(2);
      expect(await outputOf('\\d')).toMatch(/ star +\| both +\| view +\| postgres\n/);
      expect(JSON.parse(await outputOf('\\dt dim', { json: true }))).toMatchObject({
        rows: [['star', 'dim', 'table', 'postgres']],
      });
    });

    it.each(['dim', 'DIM', 'star.dim', 'd?m', 'star.d*', '"dim"', 'dim;'])(
      'describes \\d %s',
      async (name) => {
        expect((await outputOf(`\\d ${name}`)).split('\n').map((line) => line.trimEnd())).toEqual([
          'Table "star.dim"',
          ' Column |  Type   | Nullable |   Default',
          '--------+---------+----------+--------------',
          ' id     | integer | not null |',
          " Name   | text    | not null | 'x''y'::text",
          'Indexes:',
          '    dim_pkey primary key, btree (id)',
          '',
          '',
        ]);
      },
    );

    it('shows unique indexes and foreign keys', async () => {
      const shown = await outputOf('\\d star.fact');
      expect(shown).toContain('    u unique, btree (dim_id)\n');
      expect(shown).toContain('    fact_dim_id_fkey FOREIGN KEY (dim_id) REFERENCES star.dim(id)\n');
    });

    it.each(['\\d nothing', '\\d "Dim"', '\\dt both', "\\d a'b", '\\d a\\b'])(
      'says that %s is not there',
      async (sql) => {
        await expect(outputOf(sql)).rejects.toThrow(`there is no table ${sql.replace(/^\S+ /, '')}`);
      },
    );

    it.each([
      ['\\nope', 'there is no command \\nope: \\? shows those that there are'],
      ['\\x maybe', '\\x takes on, off or auto, not maybe'],
    ])('refuses %s', async (sql, message) => {
      await expect(outputOf(sql)).rejects.toThrow(message);
    });
  });

  // What psql 15 prints with \x.
  it.each([
    [
      "select 1 as a, E'two\\nlines' as second union all select 2, null order by a",
      '-[ RECORD 1 ]-\na      | 1\nsecond | two  +\n       | lines\n-[ RECORD 2 ]-\na      | 2\nsecond | \n',
    ],
    ['select 1 as a', '-[ RECORD 1 ]\na | 1\n'],
    [
      "select 'abcdefghijklmnopqrstuvwxyz0123' as a_long_column_name",
      '-[ RECORD 1 ]------+-------------------------------\na_long_column_name | abcdefghijklmnopqrstuvwxyz0123\n',
    ],
  ])('turns the rows of %s on their side', async (sql, expected) => {
    expect(await outputOf(`\\x\n${sql}`)).toBe(`Expanded display is on.\n${expected}\n`);
  });

  it('answers the last lines of an input that has ended', async () => {
    const [input, stdout] = [new PassThrough(), new PassThrough()];
    input.end('select 1 as a;\nselect 2 as b;\nselect 3');
    await promptForStatements(makeConsole(stdout), { input, output: new PassThrough().resume() });
    stdout.end();
    expect(await text(stdout)).toBe(' a \n---\n 1\n(1 row)\n\n b \n---\n 2\n(1 row)\n\n');
  });

  it('asks at a prompt until \\q, over errors and several lines', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    input.write("select 1 as a; select 2 as b;\nselect nope;\nselect 'x\n;y' as\nc;\n\\q\nselect 3 as d;\n");
    await promptForStatements(makeConsole(stdout, { stderr }), { input, output });
    for (const stream of [stdout, stderr, output]) stream.end();
    expect(await text(stdout)).toBe(
      ' a \n---\n 1\n(1 row)\n\n b \n---\n 2\n(1 row)\n\n c  \n----\n x +\n ;y\n(1 row)\n\n',
    );
    expect(await text(stderr)).toBe(
      'starlift: column "nope" does not exist\nLINE 1: select nope\n               ^\n',
    );
    expect((await text(output)).match(/postgres[=-]> /g)).toEqual([
      'postgres=> ',
      'postgres=> ',
      'postgres=> ',
      'postgres-> ',
      'postgres-> ',
      'postgres=> ',
    ]);
  });
});
