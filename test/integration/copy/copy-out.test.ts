import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { TerminalError, TransientError } from '../../../shared/errors.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';

describe('copyOut', () => {
  let server: PostgresServer;
  let client: pg.Client;

  beforeAll(async () => {
    server = await startTemporaryPostgres({});
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
  });
  afterEach(() => client.end());

  const expectUsable = async () => {
    const { rows } = await client.query('select $1::int + 1 as two', [1]);
    expect(rows).toEqual([{ two: 2 }]);
  };

  async function copyText(sql: string): Promise<string> {
    const chunks: Buffer[] = [];
    await copyOut(client, sql, (chunk) => void chunks.push(chunk));
    return Buffer.concat(chunks).toString();
  }

  it('hands over the bytes that the server sends, and counts the rows', async () => {
    const chunks: Buffer[] = [];
    const sql = "copy (select i, 'row ' || i from generate_series(1, 20000) i) to stdout";
    const result = await copyOut(client, sql, (chunk) => void chunks.push(chunk));
    const expected = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\trow ${i + 1}\n`).join('');
    expect(Buffer.concat(chunks).toString() === expected).toBe(true);
    expect(result).toEqual({ rows: 20_000 });
    await expectUsable();
  });

  it('copies nothing from no rows, and copies the same connection twice', async () => {
    expect(await copyText('copy (select 1 where false) to stdout')).toBe('');
    expect(await copyText("copy (values ('a')) to stdout")).toBe('a\n');
  });

  it('keeps the order of statements given at the same time', async () => {
    const [first, selected, second] = await Promise.all([
      copyText('copy (select 1 from generate_series(1, 100000)) to stdout'),
      client.query('select 2 as two'),
      copyText('copy (select 3) to stdout'),
    ]);
    expect([first.length, selected.rows, second]).toEqual([200_000, [{ two: 2 }], '3\n']);
  });

  it('carries a row of many megabytes', async () => {
    const text = await copyText("copy (select repeat('x', 20000000), 1) to stdout");
    expect(text === `${'x'.repeat(20_000_000)}\t1\n`).toBe(true);
  });

  it('passes notices on to the client', async () => {
    const notices: (string | undefined)[] = [];
    client.on('notice', ({ message }) => notices.push(message));
    await client.query(`create function pg_temp.say(i int) returns int language plpgsql as
      $$ begin raise notice 'row %', i; return i; end $$`);
    const sql = 'copy (select pg_temp.say(i) from generate_series(1, 300) i) to stdout';
    expect((await copyText(sql)).split('\n')).toHaveLength(301);
    expect(notices).toHaveLength(300);
    expect(notices.at(-1)).toBe('row 300');
  });

  it('waits for a receiver that takes its time, while nothing else comes', async () => {
    let inside = 0;
    let most = 0;
    let bytes = 0;
    await copyOut(client, 'copy (select i from generate_series(1, 100000) i) to stdout', async (chunk) => {
      most = Math.max(most, ++inside);
      await nextTurn();
      await nextTurn();
      bytes += chunk.length;
      inside--;
    });
    expect({ most, bytes }).toEqual({ most: 1, bytes: 588_895 });
    await expectUsable();
  });

  it('holds no more memory for 300,000 wide rows than for a few, when the receiver is slow', async () => {
    const before = process.memoryUsage().rss;
    let highest = 0;
    let bytes = 0;
    const sql = "copy (select i, repeat('x', 1000) from generate_series(1, 300000) i) to stdout";
    await copyOut(client, sql, async (chunk) => {
      bytes += chunk.length;
      highest = Math.max(highest, process.memoryUsage().rss);
      await nextTurn();
    });
    expect(bytes).toBe(302_288_895);
    expect((highest - before) / 1e6).toBeLessThan(100);
  });

  it("throws the server's error from the middle of a copy, and stays usable", async () => {
    let bytes = 0;
    const copy = copyOut(
      client,
      "copy (select repeat('x', 100), 1 / (1000 - i) from generate_series(1, 2000) i) to stdout",
      (chunk) => {
        bytes += chunk.length;
      },
    );
    await expect(copy).rejects.toThrow(pg.DatabaseError);
    await expect(copy).rejects.toMatchObject({ code: '22012' });
    expect(bytes).toBeGreaterThan(0);
    await expectUsable();
  });

  it.each([
    ['a statement that is no SQL', 'copy (selec 1) to stdout', '42601'],
    ['a table that is not there', 'copy nowhere to stdout', '42P01'],
  ])("throws the server's error for %s, and stays usable", async (_, sql, code) => {
    await expect(copyText(sql)).rejects.toMatchObject({ name: 'error', code });
    await expectUsable();
  });

  it('ends at the statement timeout, and stays usable', async () => {
    await client.query("set statement_timeout = '100ms'");
    const copy = copyText('copy (select i, pg_sleep(0.001) from generate_series(1, 100000) i) to stdout');
    await expect(copy).rejects.toMatchObject({ code: '57014' });
    await client.query('reset statement_timeout');
    await expectUsable();
  });

  it('throws when an administrator ends the connection, and raises no other error', async () => {
    const { rows } = await client.query('select pg_backend_pid() as pid');
    const other = new pg.Client({ connectionString: server.url() });
    await other.connect();
    let terminated: Promise<unknown> | undefined;
    const copy = copyOut(client, 'copy (select generate_series(1, 100000000)) to stdout', () => {
      terminated ??= other.query('select pg_terminate_backend($1)', [rows[0].pid]);
    });
    await expect(copy).rejects.toMatchObject({ code: '57P01' });
    await terminated;
    await other.end();
    await expect(client.query('select 1')).rejects.toThrow(/not queryable/);
  });

  it('throws a transient error when the socket breaks', async () => {
    const copy = copyOut(client, 'copy (select generate_series(1, 100000000)) to stdout', () => {
      client.connection.stream.destroy(new Error('cable cut'));
    });
    await expect(copy).rejects.toThrow(TransientError);
    await expect(copy).rejects.toMatchObject({ cause: { message: 'cable cut' } });
  });

  it.each<[string, (chunk: Buffer) => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new RangeError('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('disk full'))],
  ])('closes the connection when the receiver %s', async (_, onData) => {
    const copy = copyOut(client, 'copy (select generate_series(1, 100000000)) to stdout', onData);
    await expect(copy).rejects.toThrow(new RangeError('disk full'));
    await expect(client.query('select 1')).rejects.toThrow(/not queryable/);
  });

  it('stays usable when the receiver fails on the last chunk', async () => {
    const copy = copyOut(client, 'copy (select 1) to stdout', () => {
      throw new RangeError('disk full');
    });
    await expect(copy).rejects.toThrow(new RangeError('disk full'));
    await expectUsable();
  });

  it('makes a pool drop the client of a failed receiver', async () => {
    const pool = new pg.Pool({ connectionString: server.url(), max: 1 });
    const borrowed = await pool.connect();
    const copy = copyOut(borrowed, 'copy (select generate_series(1, 1000000)) to stdout', () => {
      throw new RangeError('disk full');
    });
    await expect(copy).rejects.toThrow(RangeError);
    borrowed.release();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it.each([
    'select 1',
    'create temporary table t as select 1',
    'copy (select 1 where false) to program $$cat > /dev/null$$',
    'copy pg_temp.target from stdin',
  ])('refuses what is no copy to stdout: %s', async (sql) => {
    await client.query('create temporary table target (i int)');
    await expect(copyText(sql)).rejects.toThrow(TerminalError);
    await expectUsable();
  });

  it('refuses a client that has ended', async () => {
    await client.end();
    await expect(copyText('copy (select 1) to stdout')).rejects.toThrow(/closed/);
  });
});
