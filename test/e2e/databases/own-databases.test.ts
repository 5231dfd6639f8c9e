import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { starlift } from '../../helpers/processes/starlift.ts';
import { ask, makeDataFolder, makeShop, removeFolder } from '../road.ts';

const password = 's3cret:%/@';

describe('databases of the user own, named once', () => {
  let server: PostgresServer;
  let folder: string;
  let data: string;
  /** As a user's: no password in any argument. */
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    folder = await makeDataFolder();
    data = join(folder, 'data');
    const source = await makeShop(server, 'shop', 20);
    const warehouse = await server.createDatabase('star');
    await ask(source, `create role reader login password '${password}'`);
    await ask(source, 'grant pg_read_all_data to reader');
    await ask(warehouse, `create role loader login password '${password}'`);
    await ask(warehouse, 'grant create on database star to loader; grant create on schema public to loader');
    // The server trusts what comes from here but these two.
    const hba = (await ask(source, 'show hba_file'))[0]?.[0] ?? '';
    const rules = readFileSync(hba, 'utf8');
    writeFileSync(hba, `host all reader,loader 127.0.0.1/32 scram-sha-256\n${rules}`);
    await ask(source, 'select pg_reload_conf()');
    const home = join(folder, 'home');
    mkdirSync(home);
    const escaped = password.replaceAll(':', '\\:');
    const line = (user: string, database: string) => `*:${server.port}:${database}:${user}:${escaped}\n`;
    writeFileSync(join(home, '.pgpass'), line('reader', 'shop') + line('loader', 'star'), { mode: 0o600 });
    env = { HOME: home };
    const first = await starlift(['run', '--data', data], {
      ...env,
      SOURCE_URL: `postgres://reader@127.0.0.1:${server.port}/shop`,
      WAREHOUSE_URL: `postgres://loader@127.0.0.1:${server.port}/star`,
    });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain(`npx starlift run --data ${data} --watch`);
    expect(first.stdout + first.stderr).not.toMatch(/\bURL\b|s3cret/);
  });
  afterAll(async () => {
    await server?.stop();
    await removeFolder(folder);
  });

  it('are remembered by the data folder, without their passwords, for nobody else to read', () => {
    const file = join(data, 'connections.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      schema: 'public',
      source: `postgres://reader@127.0.0.1:${server.port}/shop`,
      warehouse: `postgres://loader@127.0.0.1:${server.port}/star`,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(['status', 'failures', 'quarantine', 'waiting', 'redrive', 'verify', 'run'])(
    'are found by %s with --data alone',
    async (command) => {
      const { code, stdout, stderr } = await starlift([command, '--data', data], env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toMatch(/\bURL\b|s3cret/);
    },
  );

  it('are found by replay and by sql, which starts nothing for it', async () => {
    const replayed = await starlift(['replay', '--table', 'dim_staff', '--dry-run', '--data', data], env);
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    const query = ['sql', 'select count(*) as n from fact_sales_order', '--data', data];
    const { code, stdout } = await starlift(query, env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: ' n  \n----\n 20\n(1 row)\n\n' });
    const inSource = await starlift(['sql', '--source', 'select current_user', '--data', data], env);
    expect(inSource.stdout).toContain('\n reader\n');
  });

  it('are asked for a password in words that say where to put it', async () => {
    const { code, stderr } = await starlift(['sql', 'select 1', '--data', data], { HOME: folder });
    expect(code).toBe(2);
    expect(stderr).toBe(
      `starlift: the warehouse at 127.0.0.1:${server.port} asks for a password of user loader: ` +
        'set PGPASSWORD, or add a line to ~/.pgpass\n',
    );
    expect(
      await starlift(['sql', 'select 1', '--data', data], { HOME: folder, PGPASSWORD: password }),
    ).toMatchObject({ code: 0 });
  });

  it('are not mistaken for others: a run with a warehouse that is not bound is refused', async () => {
    const other = await server.createDatabase('other');
    const { code, stderr } = await starlift(['run', '--data', data, '--warehouse', other], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/loads another warehouse/);
    // Nor is the refused one remembered.
    expect(await starlift(['status', '--data', data], env)).toMatchObject({ code: 0 });
  });
});
