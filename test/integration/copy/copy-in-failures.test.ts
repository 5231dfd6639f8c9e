import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { TerminalError, TransientError } from '../../../shared/errors.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { targetLines, targetTable, useCopyClient } from './copy-client.ts';

describe('a copyIn that fails', () => {
  const under = useCopyClient(targetTable);

  it("throws the producer's error, writes nothing and stays usable", async () => {
    async function* failing() {
      yield targetLines(0, 1000);
      await nextTurn();
      throw new RangeError('a page is missing');
    }
    const copy = copyIn(under.client, 'copy target from stdin', failing());
    await expect(copy).rejects.toThrow(new RangeError('a page is missing'));
    expect(await under.rowsOf('select count(*)::int from target')).toEqual([{ count: 0 }]);
  });

  it("throws the server's error from the middle of a copy, ends the producer and stays usable", async () => {
    let yielded = 0;
    let isClosed = false;
    function* endless() {
      try {
        for (;;) {
          yielded++;
          yield yielded === 10 ? Buffer.from('ten\tis no number\n') : targetLines(0, 1000);
        }
      } finally {
        isClosed = true;
      }
    }
    const copy = copyIn(under.client, 'copy target from stdin', endless());
    await expect(copy).rejects.toThrow(pg.DatabaseError);
    await expect(copy).rejects.toMatchObject({ code: '22P02' });
    expect(isClosed).toBe(true);
    expect(await under.rowsOf('select count(*)::int from target')).toEqual([{ count: 0 }]);
  });

  it('throws when the statement times out while the producer works', async () => {
    await under.client.query("set statement_timeout = '50ms'");
    async function* slow() {
      for (;;) {
        yield targetLines(0, 1);
        await nextTurn();
      }
    }
    await expect(copyIn(under.client, 'copy target from stdin', slow())).rejects.toMatchObject({
      code: '57014',
    });
    await under.client.query('reset statement_timeout');
    expect(await under.rowsOf('select count(*)::int from target')).toEqual([{ count: 0 }]);
  });

  it('throws when an administrator ends the connection', async () => {
    const [{ pid }] = (await under.rowsOf('select pg_backend_pid() as pid')) as [{ pid: number }];
    const other = new pg.Client({ connectionString: under.server.url() });
    await other.connect();
    async function* endless() {
      yield targetLines(0, 1);
      await other.query('select pg_terminate_backend($1)', [pid]);
      for (;;) yield targetLines(0, 1000);
    }
    const copy = copyIn(under.client, 'copy target from stdin', endless());
    // A reset may overtake the server's last words.
    const error: unknown = await copy.catch((reason: unknown) => reason);
    expect(error instanceof TransientError || (error as pg.DatabaseError).code === '57P01').toBe(true);
    await other.end();
  });

  it('throws a transient error when the socket breaks', async () => {
    function* breaking() {
      yield targetLines(0, 1000);
      under.client.connection.stream.destroy(new Error('cable cut'));
      for (;;) yield targetLines(0, 1000);
    }
    const copy = copyIn(under.client, 'copy target from stdin', breaking());
    await expect(copy).rejects.toThrow(TransientError);
    await expect(copy).rejects.toMatchObject({ cause: { message: 'cable cut' } });
  });

  it.each(['select 1', 'copy target to stdout', 'copy (select generate_series(1, 100000)) to stdout'])(
    'refuses what is no copy from stdin: %s',
    async (sql) => {
      await expect(copyIn(under.client, sql, [targetLines(0, 1)])).rejects.toThrow(TerminalError);
      expect(await under.rowsOf('select count(*)::int from target')).toEqual([{ count: 0 }]);
    },
  );
});
