import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { promptForStatements } from '../../../cli/sql/prompt.ts';
import { describeSqlError, runStatement } from '../../../cli/sql/run-statement.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

// A server starts, and the machine may be busy.
jest.setTimeout(60_000);

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

  async function outputOf(statement: string, json = false): Promise<string> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    await runStatement(client, statement, makeTerminal(stdout, stderr, json));
    stdout.end();
    return text(stdout);
  }

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
    expect(JSON.parse(await outputOf(values, true))).toEqual({
      columns: ['big', 'price', 'at', 'ok', 'nothing', 'empty'],
      rows: [['9223372036854775807', '99999999.90', '2024-02-28 14:20:52.186001', 't', null, '']],
      rowCount: 1,
    });
  });

  it('shows each of several statements, and nothing for a comment', async () => {
    const statements =
      'create temp table t (n int); insert into t values (1), (2); select n from t order by n desc';
    expect(await outputOf(statements)).toBe('CREATE\nINSERT 2\n n \n---\n 2\n 1\n(2 rows)\n\n');
    expect(await outputOf('-- nothing')).toBe('');
  });

  it('says what the server says, with its hint', async () => {
    const error = await outputOf('select lenght(7::text)').catch(describeSqlError);
    expect(error).toMatch(/^function lenght\(text\) does not exist; /);
    expect(error).not.toContain('\n');
  });

  it('answers the last lines of an input that has ended', async () => {
    const [input, stdout] = [new PassThrough(), new PassThrough()];
    input.end('select 1 as a;\nselect 2 as b;\nselect 3');
    const terminal = makeTerminal(stdout, stdout, false);
    await promptForStatements(client, terminal, { input, output: new PassThrough().resume() });
    stdout.end();
    expect(await text(stdout)).toBe(' a \n---\n 1\n(1 row)\n\n b \n---\n 2\n(1 row)\n\n');
  });

  it('asks at a prompt until \\q, over errors and several lines', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    input.write("select 1 as a; select 2 as b;\nselect nope;\nselect 'x\n;y' as\nc;\n\\q\nselect 3 as d;\n");
    await promptForStatements(client, makeTerminal(stdout, stderr, false), { input, output });
    for (const stream of [stdout, stderr, output]) stream.end();
    expect(await text(stdout)).toBe(
      ' a \n---\n 1\n(1 row)\n\n b \n---\n 2\n(1 row)\n\n c  \n----\n x +\n ;y\n(1 row)\n\n',
    );
    expect(await text(stderr)).toBe('starlift: column "nope" does not exist\n');
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
