import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeDatabase } from '../../../shared/postgres/database.ts';
import { isOptionsRefused } from '../../../shared/postgres/server-error.ts';
import { type RdsProxy, startRdsProxy } from '../../helpers/postgres/rds-proxy.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import {
  ask,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
  runRoad,
} from '../road.ts';

describe('two databases behind what RDS Proxy refuses and forgets', () => {
  let server: PostgresServer;
  let proxy: RdsProxy;
  let road: Road;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await makeShop(server, 'shop', 50);
    await server.createDatabase('warehouse');
    proxy = await startRdsProxy(server.port);
    road = { source: proxy.url('shop'), warehouse: proxy.url('warehouse'), data: await makeDataFolder() };
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
    await removeFolder(road.data);
  });

  it('are captured, loaded and verified, deletes too, where each transaction has another connection', async () => {
    const first = await runClean(road);
    await ask(server.url('shop'), `update staff set first_name = 'Ada' where staff_id = 1`);
    await ask(server.url('shop'), 'delete from payment where payment_id = 1');
    await ask(server.url('shop'), 'select pg_stat_force_next_flush()');
    const second = await runClean(road);
    const named = optionsOf(road);
    const verified = await runCommand(['verify', ...named]);
    expect([first.ok, second.ok]).toEqual([true, true]);
    const warehouse = server.url('warehouse');
    expect(await ask(warehouse, 'select first_name from dim_staff where staff_id = 1')).toEqual([['Ada']]);
    expect(
      await ask(warehouse, 'select distinct _deleted_by is not null from fact_payment where payment_id = 1'),
    ).toEqual([['t']]);
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
    expect(await runCommand(['status', ...named])).toMatchObject({ code: 0 });
    expect(proxy.changes()).toBeGreaterThan(50);
  });

  it.each(['source', 'warehouse'] as const)(
    'are refused in one line where the %s’s URL has options',
    async (side) => {
      const url = `${road[side]}?options=-c%20statement_timeout%3D5000`;
      const { code, stderr, stdout } = await runRoad({ ...road, [side]: url });
      expect(code).toBe(2);
      const told = `${stdout}${stderr}`;
      expect(told).toContain(`the ${side} at 127.0.0.1`);
      expect(told).toContain('take `options` out of its URL or secret');
    },
  );

  it('are refused so by a deployed function, too, at once', async () => {
    const { hostname: host, port, username } = new URL(road.source);
    const secret = {
      host,
      port: Number(port),
      username,
      password: '',
      dbname: 'shop',
      sslmode: 'disable' as const,
    };
    const database = makeDatabase(async () => ({ ...secret, options: '-c work_mem=8MB' }), {
      ...{ what: 'source', applicationName: 'starlift-plan', maxConnections: 1 },
    });
    await expect(database.withClient(async () => {})).rejects.toMatchObject({
      name: 'RefusedError',
      message: expect.stringMatching(
        /^the source at 127.*command-line options.*take `options` out of its URL or secret/,
      ),
    });
    await database.end();
  });
});

it.each([
  ['0A000', 'Feature not supported: RDS Proxy currently doesn’t support command-line options.', true],
  ['08P01', 'unsupported startup parameter: options', true],
  ['08P01', 'unsupported startup parameter: search_path', false],
  ['0A000', 'cannot use replication slots', false],
])('%s, "%s": options are refused: %s', (code, message, isRefused) => {
  expect(isOptionsRefused({ code, message })).toBe(isRefused);
});
