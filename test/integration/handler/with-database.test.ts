import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import middy from '@middy/core';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import type { SslMode } from '../../../shared/postgres/database-secret.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';

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
  const ask = (sslmode: SslMode, secret: object = {}) => {
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
      .use(withDatabase({ secretsManager, secretId: 'shop', applicationName: 'test', sslmode }))
      .handler(async (_event: unknown, { database }: DatabaseContext) =>
        database.withClient(async (client) => (await client.query('select 1 as one')).rows),
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
});
