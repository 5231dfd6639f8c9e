import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

describe('a temporary Postgres', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings: { max_prepared_transactions: '7' } });
  });
  afterAll(() => server.stop());

  it('is version 18, local only, with the settings that were asked for', async () => {
    const [row] = await ask(
      server.url(),
      `select current_setting('server_version_num')::int / 10000, current_setting('listen_addresses'),
              current_setting('max_prepared_transactions'), host(inet_server_addr())`,
    );
    expect(row).toEqual([18, '127.0.0.1', '7', '127.0.0.1']);
  });

  it('makes a database from a template', async () => {
    const model = await server.createDatabase('model');
    await ask(model, 'create table greeting as select 7 as n');
    const copy = await server.createDatabase('a "copy" of it', 'model');
    expect(await ask(copy, 'select n from greeting')).toEqual([[7]]);
  });

  it('comes back on the same port after kill -9 of the postmaster, with what was committed', async () => {
    const url = await server.createDatabase('survivor');
    await ask(url, 'create table kept as select 1 as n');
    await server.kill('SIGKILL');
    await expect(ask(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await ask(url, 'select n from kept')).toEqual([[1]]);
  });

  it('leaves no data folder behind', async () => {
    const short = await startTemporaryPostgres({ ownIdentity: true });
    const [mine] = await ask(short.url(), 'select system_identifier::text from pg_control_system()');
    const [other] = await ask(server.url(), 'select system_identifier::text from pg_control_system()');
    expect(mine).not.toEqual(other);
    await short.stop();
    expect(existsSync(short.dataDir)).toBe(false);
  });

  it('also runs from an installed Postgres, with its own programs', async () => {
    const installed = await startInstalledPostgres();
    if (installed === undefined) {
      console.warn('NOT TESTED: this machine has no installed Postgres server');
      return;
    }
    try {
      const [[version] = []] = await ask(installed.url(), `show server_version`);
      expect(await installed.run('pg_controldata', ['--version'])).toContain(`(PostgreSQL) ${version}`);
    } finally {
      await installed.stop();
    }
  });
});
