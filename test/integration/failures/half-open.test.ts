import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connectTo } from '../../../cli/database/connect.ts';
import { secretOfUrl } from '../../../cli/database/database-url.ts';
import { TransientError } from '../../../shared/errors.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { makeDatabase } from '../../../shared/postgres/database.ts';
import { startTcpProxy, type TcpProxy } from '../../helpers/network/tcp-proxy.ts';
import { giveCertificate } from '../../helpers/postgres/server-certificate.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

const limits = { askAfterMs: 800, answerWithinMs: 2500 };
/** Silence, two questions, and a machine that is busy. */
const endsWithinMs = 10_000;

describe('a connection', () => {
  let server: PostgresServer;
  let proxy: TcpProxy;
  let client: pg.Client;
  let direct: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await giveCertificate(server);
    direct = await connectTo(secretOfUrl('--warehouse', server.url()), 'warehouse');
    await direct.query('alter system set ssl = on');
    await direct.query('select pg_reload_conf()');
    await direct.query('create table t (n int); create table locked (n int)');
  });
  afterAll(async () => {
    await direct.end();
    await server.stop();
  });
  beforeEach(async () => {
    proxy = await startTcpProxy(server.port);
  });
  afterEach(async () => {
    await client?.end();
    await proxy.close();
  });

  const open = async (sslmode = 'disable', patience = limits) => {
    const url = `${proxy.through(server.url())}?sslmode=${sslmode}`;
    client = await connectTo(secretOfUrl('--warehouse', url), 'warehouse', { limits: patience });
    return client;
  };
  const pidOf = async (of: pg.Client) =>
    (await of.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
  const seenIn = (pid: number | undefined, condition: string) =>
    seen(async () => {
      const sql = `select from pg_stat_activity where pid = $1 and ${condition}`;
      return (await direct.query(sql, [pid])).rowCount === 1;
    });

  /** What it fails with, and that this takes no longer than it may. */
  const failureOf = async (work: Promise<unknown>) => {
    const brokenAt = performance.now();
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(performance.now() - brokenAt).toBeLessThan(endsWithinMs);
    expect(error).toBeInstanceOf(TransientError);
    return (error as Error).message;
  };
  const named = () =>
    new RegExp(
      `^the warehouse at 127\\.0\\.0\\.1:${proxy.port} does not answer: nothing has come .* for \\d+ s$`,
    );

  it.each([
    ['disable', 'forwarded'],
    ['disable', 'dropped'],
    ['require', 'forwarded'],
    ['require', 'dropped'],
  ] as const)(
    'with sslmode=%s that is half-open fails its next statement with the server’s name, while new ones are %s',
    async (sslmode, newOnes) => {
      await open(sslmode);
      await client.query('select 1');
      proxy.halfOpen(newOnes);
      expect(await failureOf(client.query('select 1'))).toMatch(named());
    },
  );

  it('whose answer is lost fails its statement, even after a long statement', async () => {
    await open();
    const pid = await pidOf(client);
    const asked = client.query('select pg_sleep(2)');
    asked.catch(() => {});
    await seenIn(pid, `state = 'active' and query like '%pg_sleep(2)%'`);
    proxy.halfOpen('forwarded');
    await seenIn(pid, `state = 'idle'`);
    expect(await failureOf(asked)).toMatch(named());
  });

  it('whose server process is gone fails its statement', async () => {
    await open();
    const pid = await pidOf(client);
    const asked = client.query('select pg_sleep(60)');
    asked.catch(() => {});
    await seenIn(pid, `state = 'active'`);
    proxy.halfOpen('forwarded');
    await direct.query('select pg_terminate_backend($1)', [pid]);
    expect(await failureOf(asked)).toMatch(named());
  });

  it('waits for a slow statement, and for one that waits for a lock', async () => {
    await open();
    await client.query('select pg_sleep(3.2)');
    await direct.query('begin; lock table locked');
    const pid = await pidOf(client);
    const waiting = client.query('select from locked');
    await seenIn(pid, `wait_event_type = 'Lock'`);
    // Four times as long as it may be silent.
    await delay(4 * limits.askAfterMs);
    await direct.query('commit');
    await waiting;
  });

  it('waits for a server that meanwhile accepts no new connections', async () => {
    await open();
    await direct.query('create role loader login connection limit 1');
    const secret = { ...secretOfUrl('--warehouse', proxy.through(server.url())), username: 'loader' };
    const only = await connectTo(secret, 'warehouse', { limits });
    await only.query('select pg_sleep(3.2)');
    await only.end();
    await direct.query('drop role loader');
  });

  it('that has been idle for long still works', async () => {
    await open();
    await delay(3 * limits.askAfterMs);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('that is half-open in the middle of a COPY fails the COPY, in both directions', async () => {
    await open();
    const rows = Buffer.from('1\n'.repeat(10_000));
    const incoming = copyIn(
      client,
      'copy t from stdin',
      (async function* () {
        yield rows;
        proxy.halfOpen('forwarded');
        for (let chunk = 0; chunk < 10; chunk++) yield rows;
      })(),
    );
    expect(await failureOf(incoming)).toMatch(named());
    await client.end();
    await open();
    let isBroken = false;
    const outgoing = copyOut(client, 'copy (select generate_series(1, 5000000)) to stdout', () => {
      if (!isBroken) proxy.halfOpen('forwarded');
      isBroken = true;
    });
    expect(await failureOf(outgoing)).toMatch(named());
  });

  it.each([
    ['between two statements', (of: pg.Client) => of.query('select 1')],
    [
      'in a COPY',
      (of: pg.Client) =>
        copyIn(
          of,
          'copy t from stdin',
          (async function* () {
            for (let chunk = 0; chunk < 10; chunk++) yield Buffer.from('1\n'.repeat(10_000));
          })(),
        ),
    ],
  ])('that is half-open %s leaves no lock behind', async (_when, work) => {
    await open();
    await client.query('begin; lock table locked in access exclusive mode');
    const pid = await pidOf(client);
    proxy.halfOpen('forwarded');
    expect(await failureOf(work(client))).toMatch(named());
    await seen(async () => {
      const { rowCount } = await direct.query('select from pg_locks where pid = $1', [pid]);
      return rowCount === 0;
    });
  });

  it('waits for a slow reader and a slow writer of a COPY', async () => {
    await open();
    await direct.query('truncate t');
    await copyIn(
      client,
      'copy t from stdin',
      (async function* () {
        yield Buffer.from('1\n');
        // Once asked after; a second time would be too long.
        await delay(1.4 * limits.askAfterMs);
        yield Buffer.from('2\n');
      })(),
    );
    expect((await direct.query('select n from t order by n')).rows).toEqual([{ n: 1 }, { n: 2 }]);
    let isFirst = true;
    const { rows } = await copyOut(
      client,
      'copy (select generate_series(1, 1000000)) to stdout',
      async () => {
        if (isFirst) await delay(4 * limits.askAfterMs);
        isFirst = false;
      },
    );
    expect(rows).toBe(1_000_000);
  });

  it('that is half-open ends without delay when its client ends it', async () => {
    await open('disable', { askAfterMs: 20_000, answerWithinMs: 20_000 });
    proxy.halfOpen('dropped');
    const startedAt = performance.now();
    await client.end();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('that is reset fails its statement with the server’s name', async () => {
    await open();
    const asked = client.query('select pg_sleep(60)');
    proxy.reset();
    await expect(asked).rejects.toThrow(`the warehouse at 127.0.0.1:${proxy.port}: read ECONNRESET`);
  });

  it('of a pool that is half-open while idle costs no failure, and one in use costs one', async () => {
    const secret = secretOfUrl('--warehouse', proxy.through(server.url()));
    const options = { what: 'warehouse' as const, applicationName: 'test', maxConnections: 1, limits };
    const database = makeDatabase(async () => secret, options);
    const ask = () => database.withClient(async (lent) => (await lent.query('select 1 as one')).rows);
    expect(await ask()).toEqual([{ one: 1 }]);
    proxy.halfOpen('forwarded');
    expect(await ask()).toEqual([{ one: 1 }]);
    const broken = database.withClient((lent) => {
      proxy.halfOpen('forwarded');
      return lent.query('select 1');
    });
    expect(await failureOf(broken)).toMatch(named());
    expect(await ask()).toEqual([{ one: 1 }]);
    await database.end();
  });

  it('that a pool cannot open fails with the server’s name', async () => {
    const url = `${proxy.through(server.url())}?connect_timeout=1`;
    const options = { what: 'warehouse' as const, applicationName: 'test', maxConnections: 1, patienceMs: 0 };
    const database = makeDatabase(async () => secretOfUrl('--warehouse', url), options);
    proxy.halfOpen('dropped');
    const message = await failureOf(database.withClient((lent) => lent.query('select 1')));
    expect(message).toMatch(
      new RegExp(`^the warehouse at 127\\.0\\.0\\.1:${proxy.port} cannot be connected to: `),
    );
    await database.end();
  });
});
