import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { TerminalError, TransientError } from '../../../shared/errors.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { useCopyClient } from './copy-client.ts';

describe('a copyOut that fails', () => {
  const under = useCopyClient();

  it("throws the server's error from the middle of a copy, and stays usable", async () => {
    let bytes = 0;
    const copy = copyOut(
      under.client,
      "copy (select repeat('x', 100), 1 / (1000 - i) from generate_series(1, 2000) i) to stdout",
      (chunk) => {
        bytes += chunk.length;
      },
    );
    await expect(copy).rejects.toThrow(pg.DatabaseError);
    await expect(copy).rejects.toMatchObject({ code: '22012' });
    expect(bytes).toBeGreaterThan(0);
    await under.expectUsable();
  });

  it.each([
    ['a statement that is no SQL', 'copy (selec 1) to stdout', '42601'],
    ['a table that is not there', 'copy nowhere to stdout', '42P01'],
  ])("throws the server's error for %s, and stays usable", async (_, sql, code) => {
    await expect(under.copyText(sql)).rejects.toMatchObject({ name: 'error', code });
    await under.expectUsable();
  });

  it('ends at the statement timeout, and stays usable', async () => {
    await under.client.query("set statement_timeout = '100ms'");
    const copy = under.copyText(
      'copy (select i, pg_sleep(0.001) from generate_series(1, 100000) i) to stdout',
    );
    await expect(copy).rejects.toMatchObject({ code: '57014' });
    await under.client.query('reset statement_timeout');
    await under.expectUsable();
  });

  it('throws when an administrator ends the connection, and raises no other error', async () => {
    const { rows } = await under.client.query('select pg_backend_pid() as pid');
    const other = new pg.Client({ connectionString: under.server.url() });
    await other.connect();
    let terminated: Promise<unknown> | undefined;
    // Slow: a server that waits for its client to read tells it nothing when it is ended.
    const sql = 'copy (select i, pg_sleep(0.0001) from generate_series(1, 100000000) i) to stdout';
    const copy = copyOut(under.client, sql, () => {
      terminated ??= other.query('select pg_terminate_backend($1)', [rows[0].pid]);
    });
    await expect(copy).rejects.toMatchObject({ code: '57P01' });
    await terminated;
    await other.end();
    await expect(under.client.query('select 1')).rejects.toThrow(/not queryable/);
  });

  it('throws a transient error when the socket breaks', async () => {
    const copy = copyOut(under.client, 'copy (select generate_series(1, 100000000)) to stdout', () => {
      under.client.connection.stream.destroy(new Error('cable cut'));
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
    const copy = copyOut(under.client, 'copy (select generate_series(1, 100000000)) to stdout', onData);
    await expect(copy).rejects.toThrow(new RangeError('disk full'));
    await expect(under.client.query('select 1')).rejects.toThrow(/not queryable/);
  });

  it('stays usable when the receiver fails on the last chunk', async () => {
    const copy = copyOut(under.client, 'copy (select 1) to stdout', () => {
      throw new RangeError('disk full');
    });
    await expect(copy).rejects.toThrow(new RangeError('disk full'));
    await under.expectUsable();
  });

  it('makes a pool drop the client of a failed receiver', async () => {
    const pool = new pg.Pool({ connectionString: under.server.url(), max: 1 });
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
    await under.client.query('create temporary table target (i int)');
    await expect(under.copyText(sql)).rejects.toThrow(TerminalError);
    await under.expectUsable();
  });

  it('refuses a client that has ended', async () => {
    await under.client.end();
    await expect(under.copyText('copy (select 1) to stdout')).rejects.toThrow(/closed/);
  });
});
