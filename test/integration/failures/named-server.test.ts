import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { secretOfUrl } from '../../../cli/database/database-url.ts';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { makeDatabase } from '../../../shared/postgres/database.ts';
import { ask } from '../../e2e/road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(() => server.stop());

describe.each(['source', 'warehouse'] as const)(
  'a connection to the %s that ends in the middle of the work',
  (what) => {
    it.each([
      [
        'because the server ends it (57P01)',
        (pid: number) => ask(server.url(), `select pg_terminate_backend(${pid})`),
      ],
      ['by itself', (pid: number) => void process.kill(pid, 'SIGKILL')],
    ])('%s names the database, and is transient', async (_how, end) => {
      const secret = { ...secretOfUrl('--source', server.url()), sslmode: 'disable' as const };
      const database = makeDatabase(async () => secret, {
        what,
        applicationName: 'a-test',
        maxConnections: 1,
      });
      const work = database.withClient(async (client) => {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        const asked = client.query('select pg_sleep(60)');
        asked.catch(() => {});
        await end(rows[0]?.pid ?? 0);
        return asked;
      });
      const error = await work.then(() => undefined, toPipelineError);
      expect(error?.name).toBe('TransientError');
      expect(error?.message).toContain(`the ${what} at `);
      await database.end();
    });
  },
);

describe('a connection that ends between two statements', () => {
  it.each([
    [
      'because the server ends it',
      async (client: pg.ClientBase) => {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        await ask(server.url(), `select pg_terminate_backend(${rows[0]?.pid})`);
      },
      'TransientError',
      'terminating connection due to administrator command (SQLSTATE 57P01)',
    ],
    [
      'by the transaction_timeout of its role',
      async (client: pg.ClientBase) => {
        await client.query(`set transaction_timeout = '50ms'; begin`);
      },
      'RefusedError',
      'terminating connection due to transaction timeout (SQLSTATE 25P04)',
    ],
  ])('%s says so', async (_how, end, name, words) => {
    const secret = { ...secretOfUrl('--warehouse', server.url()), sslmode: 'disable' as const };
    const database = makeDatabase(async () => secret, {
      what: 'warehouse',
      applicationName: 'a-test',
      maxConnections: 1,
    });
    const work = database.withClient(async (client) => {
      const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)));
      await end(client);
      await ended;
      await client.query('select 1');
    });
    const error = await work.then(() => undefined, toPipelineError);
    expect(error?.name).toBe(name);
    expect(error?.message).toBe(`the warehouse at 127.0.0.1:${new URL(server.url()).port}: ${words}`);
    await database.end();
  });
});
