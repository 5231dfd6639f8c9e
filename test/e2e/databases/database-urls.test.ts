import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  makeServerFolder,
  type PostgresServer,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { ask, assertExact, makeDataFolder, makeShop, removeFolder, runClean } from '../road.ts';

/** Everything that anybody has made in a database. */
const madeThere = `select nspname, relname from pg_class join pg_namespace n on n.oid = relnamespace
                    where nspname !~ '^pg_|^information_schema$' order by 1, 2`;

describe('a database URL', () => {
  let server: PostgresServer;
  let socketFolder: string;
  let other: PostgresServer;
  let folder: string;
  let source: string;
  beforeAll(async () => {
    socketFolder = await makeServerFolder();
    server = await startTemporaryPostgres({ settings: { unix_socket_directories: socketFolder } });
    other = await startTemporaryPostgres({ ownIdentity: true });
    folder = await makeDataFolder();
    source = await makeShop(server, 'shop', 20);
    await server.createDatabase('w');
    // The same name on the server that the URL would lead to without its parameters.
    await other.createDatabase('w');
  });
  afterAll(async () => {
    await other?.stop();
    await server?.stop();
    await removeFolder(folder);
    await removeFolder(socketFolder);
  });

  it('leads by its parameters: a run loads the server behind the socket folder, and no other', async () => {
    const parameters = new URLSearchParams({
      host: socketFolder,
      port: String(server.port),
      user: 'postgres',
      application_name: 'nightly load',
      connect_timeout: '9',
      target_session_attrs: 'read-write',
    });
    const warehouse = `postgres://127.0.0.1:${other.port}/w?${parameters.toString().replaceAll('+', '%20')}`;
    await runClean({ source, warehouse, data: join(folder, 'socket') });
    await assertExact({ source, warehouse: server.url('w') });
    expect(await ask(other.url('w'), madeThere)).toEqual([]);
  });

  it.each([
    ['run', ['--source', 'GOOD', '--warehouse', 'BAD']],
    ['run', ['--source', 'BAD', '--warehouse', 'GOOD']],
    ['status', ['--source', 'GOOD', '--warehouse', 'BAD']],
    ['verify', ['--source', 'GOOD', '--warehouse', 'BAD']],
  ])(
    'with a parameter that is not known stops %s %j before anything is connected',
    async (command, options) => {
      let connections = 0;
      const listener = createServer((socket) => {
        connections++;
        socket.destroy();
      }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const good = `postgres://postgres@127.0.0.1:${(listener.address() as AddressInfo).port}/w`;
      const urls: Record<string, string> = { GOOD: good, BAD: `${good}?gssencmode=disable` };
      const data = join(folder, `data-${Math.random()}`);
      const args = options.map((option) => urls[option] ?? option);
      const { code, stdout, stderr } = await runCommand([command, ...args, '--data', data]);
      listener.close();
      expect({ code, stdout, connections }).toEqual({ code: 2, stdout: '', connections: 0 });
      expect(stderr).toMatch(/^starlift: --(source|warehouse) .*\bgssencmode\b[^\n]*\n$/);
      expect(existsSync(data)).toBe(false);
    },
  );
});
