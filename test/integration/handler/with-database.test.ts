import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import middy from '@middy/core';
import { secretOfUrl } from '../../../cli/database/database-url.ts';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import { makeDatabase } from '../../../shared/postgres/database.ts';
import type { SslMode, TargetSessionAttributes } from '../../../shared/postgres/database-secret.ts';
import {
  makeServerFolder,
  type PostgresServer,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';

describe('a function’s database', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await server.createDatabase('shop');
  });
  afterAll(async () => {
    await server.stop();
  });

  /** Asks a server that has no TLS. */
  const ask = (sslmode: SslMode, secret: object = {}, sql = 'select 1 as one') => {
    const whole = {
      host: '127.0.0.1',
      port: server.port,
      dbname: 'shop',
      username: 'postgres',
      password: '',
    };
    const SecretString = JSON.stringify({ ...whole, ...secret });
    const secretsManager = { send: async () => ({ SecretString }) } as never;
    const handler = middy()
      .use(
        withDatabase({
          secretsManager,
          secretId: 'shop',
          what: 'source' as const,
          applicationName: 'test',
          sslmode,
        }),
      )
      .handler(async (_event: unknown, { database }: DatabaseContext) =>
        database.withClient(async (client) => (await client.query(sql)).rows),
      );
    return handler({}, {} as never);
  };

  it('is reached by the stage’s sslmode where its secret says none, as RDS’s do', async () => {
    expect(await ask('disable')).toEqual([{ one: 1 }]);
    await expect(ask('verify-full')).rejects.toThrow(/SSL/);
  });

  it('is reached as its secret says, whatever the stage', async () => {
    expect(await ask('verify-full', { sslmode: 'disable' })).toEqual([{ one: 1 }]);
    await expect(ask('disable', { sslmode: 'require' })).rejects.toThrow(/SSL/);
  });

  it('is the very target that its secret names, options and all', async () => {
    const folder = await makeServerFolder();
    const behindSocket = await startTemporaryPostgres({ settings: { unix_socket_directories: folder } });
    try {
      const secret = secretOfUrl(
        '--source',
        `postgres://127.0.0.1:${server.port}/postgres?host=${folder}&port=${behindSocket.port}&application_name=nightly&options=-c%20search_path%3Dstar`,
      );
      const sql = `select current_setting('port') as port, current_setting('application_name') as name,
                          current_setting('search_path') as path, inet_client_addr() is null as "isSocket"`;
      expect(await ask('disable', secret, sql)).toEqual([
        { port: String(behindSocket.port), name: 'nightly', path: 'star', isSocket: true },
      ]);
    } finally {
      await behindSocket.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('is not a server of another kind than its secret asks for', async () => {
    const secret = secretOfUrl('--source', server.url('shop'));
    const askFor = async (target_session_attrs: TargetSessionAttributes) => {
      const options = { what: 'source' as const, applicationName: 'test', maxConnections: 1, patienceMs: 0 };
      const database = makeDatabase(async () => ({ ...secret, target_session_attrs }), options);
      return database.withClient(async (client) => (await client.query('select 1 as one')).rows);
    };
    expect(await askFor('primary')).toEqual([{ one: 1 }]);
    await expect(askFor('standby')).rejects.toThrow(
      `the source at 127.0.0.1:${server.port} is a primary that takes writes, and target_session_attrs asks for standby`,
    );
  });
});
