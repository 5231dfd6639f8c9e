import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { openRoad } from '../open-road.ts';
import { ask, assertExact, makeDataFolder, makeShop, type Road, removeFolder, runClean } from '../road.ts';

describe('a role that may only read', () => {
  let server: PostgresServer;
  let road: Road;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    const shop = await makeShop(server, 'shop', 50);
    await ask(
      shop,
      `create role reader login password 'r';
       grant select on all tables in schema public to reader;
       alter role reader set default_transaction_read_only = on`,
    );
    const source = new URL(shop);
    source.username = 'reader';
    source.password = 'r';
    road = {
      source: source.href,
      warehouse: await server.createDatabase('warehouse'),
      data: await makeDataFolder(),
    };
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(road.data);
  });

  it('is enough for a first run and for the next', async () => {
    const open = await openRoad(road);
    try {
      await open.runClean();
      await ask(server.url('shop'), `update staff set first_name = 'Ada' where staff_id = 1`);
      await open.runClean();
    } finally {
      await open.close();
    }
    await assertExact(road);
  });

  it('is enough where the control file may not be read, as with some services', async () => {
    await ask(
      server.url('shop'),
      `revoke execute on function pg_control_system(), pg_control_checkpoint(), pg_control_recovery() from public`,
    );
    const warehouse = await server.createDatabase('warehouse_of_service');
    const service = { ...road, warehouse, data: await makeDataFolder() };
    try {
      await runClean(service);
      await ask(server.url('shop'), `update staff set last_name = 'L.' where staff_id = 2`);
      await runClean(service);
      await assertExact(service);
    } finally {
      await removeFolder(service.data);
    }
  });
});
