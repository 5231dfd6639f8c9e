import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { takeDataFolder } from '../../../cli/embedded/machine/data-folder.ts';
import { findFreePort } from '../../helpers/network/free-port.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { starlift } from '../../helpers/processes/starlift.ts';
import { ask, makeDataFolder, makeShop, type Road, removeFolder, runClean, runRoad } from '../road.ts';

/** Everything that anybody has made in a database. */
const madeThere = `select nspname, relname from pg_class join pg_namespace n on n.oid = relnamespace
                    where nspname !~ '^pg_|^information_schema$' order by 1, 2`;

describe('what cannot run', () => {
  let server: PostgresServer;
  let shop: string;
  let folder: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    shop = await makeShop(server, 'shop', 20);
    folder = await makeDataFolder();
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(folder);
  });

  const newData = () => join(folder, `data-${Math.random()}`);

  async function refusal(args: string[], env?: Record<string, string>): Promise<string> {
    const { code, stdout, stderr } = await starlift(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^starlift: [^\n]+\n$/);
    return stderr.slice('starlift: '.length, -1);
  }

  it.each<[string[], string | RegExp]>([
    [['rnu'], 'unknown command rnu; did you mean run? (starlift help lists the commands)'],
    [
      ['run', '--sorce', 'x'],
      /^Unknown option '--sorce'; did you mean --source\? \(starlift help run shows its usage\)$/,
    ],
    [['run', 'now'], /'now'/],
    [['run', '--every', '0'], '--every 0 is not a number of seconds from above 0 to 86400'],
    [['run', '--every', 'soon'], '--every soon is not a number of seconds from above 0 to 86400'],
    [
      ['run', '--source', 'mysql://me:s3cret@h/db'],
      '--source is not a Postgres URL: use postgres://user:password@host:port/database',
    ],
    [
      ['run', '--warehouse', 's3cret'],
      '--warehouse is not a Postgres URL: use postgres://user:password@host:port/database',
    ],
  ])('%j is refused in one line, before anything is made', async (args, message) => {
    const data = newData();
    const line = await refusal(args[0] === 'run' ? [...args, '--data', data] : args);
    if (typeof message === 'string') expect(line).toBe(message);
    else expect(line).toMatch(message);
    expect(existsSync(data)).toBe(false);
  });

  it('a variable of another value than those there are is named', async () => {
    // Connected to or not: what is open would keep the process from its end.
    for (const databases of [[], ['--source', shop, '--warehouse', server.url()]]) {
      const args = ['run', '--data', newData(), ...databases];
      const line = await refusal(args, { WAREHOUSE_FOREIGN_KEYS: 'enforcd' });
      expect(line).toBe('WAREHOUSE_FOREIGN_KEYS is enforcd: use declared or enforced');
    }
  });

  it.each(['source', 'warehouse'] as const)('a %s that is not there is named', async (side) => {
    const [port, data] = [await findFreePort(), newData()];
    const other = side === 'source' ? ['--warehouse', server.url()] : ['--source', shop];
    const line = await refusal([
      'run',
      '--data',
      data,
      ...other,
      `--${side}`,
      `postgres://me:s3cret@127.0.0.1:${port}/totesys`,
    ]);
    expect(line).toBe(`the ${side} at 127.0.0.1:${port} cannot be reached (ECONNREFUSED)`);
    expect(existsSync(data)).toBe(false);
  });

  it('a wrong password is said, and not repeated', async () => {
    const rules = join(server.dataDir, 'pg_hba.conf');
    await writeFile(rules, `host all guarded 127.0.0.1/32 scram-sha-256\n${await readFile(rules, 'utf8')}`);
    await ask(server.url(), `create role guarded login password 'right'; select pg_reload_conf()`);
    const source = new URL(shop);
    source.username = 'guarded';
    source.password = 'wr0ng';
    const line = await refusal(['run', '--data', newData(), '--source', source.href]);
    expect(line).toBe(`the source at 127.0.0.1:${server.port} refused the password of user guarded`);
  });

  it('a source without any table of the model is refused before anything is written', async () => {
    const [empty, warehouse] = [
      await server.createDatabase('empty'),
      await server.createDatabase('untouched'),
    ];
    const data = newData();
    const line = await refusal(['run', '--data', data, '--source', empty, '--warehouse', warehouse]);
    expect(line).toMatch(
      /^the source has none of the model's tables \(.*sales_order.*\) in its schema public$/,
    );
    expect(existsSync(data)).toBe(false);
    expect(await ask(warehouse, madeThere)).toEqual([]);
  });

  it('a warehouse whose encoding lacks characters is refused before anything is written', async () => {
    // Temporary servers have dropped it, and only a template of this name may be copied into another encoding.
    await ask(server.url(), 'create database template0');
    await ask(server.url(), `create database latin encoding 'LATIN1' locale 'C' template template0`);
    const [warehouse, data] = [server.url('latin'), newData()];
    const line = await refusal(['run', '--data', data, '--source', shop, '--warehouse', warehouse]);
    expect(line).toMatch(
      /^the warehouse latin has the encoding LATIN1, which lacks characters .*encoding 'UTF8'/,
    );
    expect(existsSync(data)).toBe(false);
    expect(await ask(warehouse, madeThere)).toEqual([]);
  });

  it('a file in the place of the data folder is named', async () => {
    const file = newData();
    await writeFile(file, 'mine');
    expect(await refusal(['run', '--data', file, '--source', shop, '--warehouse', server.url()])).toBe(
      `--data ${file}: the folder cannot be written to (EEXIST)`,
    );
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  it('a folder that another process works in is refused, and its lock outlives no process', async () => {
    const road: Road = { source: shop, warehouse: await server.createDatabase('held'), data: newData() };
    const held = takeDataFolder(road.data);
    expect(await refusal(['run', '--data', road.data, '--source', shop, '--warehouse', road.warehouse])).toBe(
      `--data ${road.data}: another process is running on this folder; stop it or choose another folder`,
    );
    held?.release();
    await runClean(road);
  });

  it.each(['gar{bage', 'null', '{}'])('%s in the place of what a running stack tells', async (text) => {
    const data = newData();
    const held = takeDataFolder(data);
    await writeFile(join(data, 'stack.json'), text);
    for (const command of ['run', 'status', 'failures', 'sql']) {
      expect(await refusal([command, '--data', data])).toBe(
        `--data ${data}: another process is running on this folder, and its stack.json is damaged; ` +
          'stop it and start it again',
      );
    }
    held?.release();
  });

  it('a folder serves one source and one warehouse, a warehouse one folder', async () => {
    const road: Road = { source: shop, warehouse: await server.createDatabase('bound'), data: newData() };
    await runClean(road);
    const [otherShop, otherWarehouse] = [
      await server.createDatabase('other_shop', 'shop'),
      await server.createDatabase('other_warehouse'),
    ];
    const refused = async (change: Partial<Road>) => {
      const { code, stderr } = await runRoad({ ...road, ...change });
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused({ source: otherShop })).toMatch(
      /^starlift: --data .* captures another source .*\n$/,
    );
    expect(await refused({ warehouse: otherWarehouse })).toMatch(
      /^starlift: --data .* loads another warehouse.*\n$/,
    );
    expect(await refused({ source: otherShop, warehouse: otherWarehouse })).toMatch(/another source/);
    expect(await refused({ data: newData() })).toMatch(
      /^starlift: the warehouse is loaded from another data folder.*\n$/,
    );
    expect(await ask(otherWarehouse, madeThere)).toEqual([]);
    // What the folder remembers of them is not what it is bound by.
    await rm(join(road.data, 'connections.json'));
    for (const command of ['run', 'status']) {
      expect(await refusal([command, '--data', road.data])).toBe(
        `--data ${road.data} was created with --source and --warehouse. Pass them again.`,
      );
    }
    expect(existsSync(join(road.data, 'postgres'))).toBe(false);
    await runClean(road);
  });
});
