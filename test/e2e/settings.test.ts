import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { readClock } from '../../cli/site/ledger.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { hostileSettings } from '../models/hostile-settings.ts';
import {
  ask,
  assertExact,
  loadedRows,
  makeDataFolder,
  makeShop,
  type Road,
  removeFolder,
  runClean,
} from './road.ts';

describe('databases with settings of their own', () => {
  let server: PostgresServer;
  let folder: string;
  let road: Road;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    folder = await makeDataFolder();
    const source = await makeShop(server, 'shop', 50);
    road = { source, warehouse: await server.createDatabase('warehouse'), data: join(folder, 'data') };
    const timesOfDay = `timestamp '2024-03-31 02:30:00.000001' + sales_order_id * interval '1 hour 1 microsecond'`;
    await ask(source, `update sales_order set created_at = ${timesOfDay}`);
    for (const [name, value] of Object.entries(hostileSettings)) {
      await ask(source, `alter database shop set ${name} = '${value}'`);
      await ask(road.warehouse, `alter database warehouse set ${name} = '${value}'`);
    }
    await ask(source, 'alter database shop set default_transaction_read_only = on');
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(folder);
  });

  it('make no difference to what lands', async () => {
    expect(loadedRows(await runClean(road))).toMatchObject({ fact_sales_order: 50 });
    await assertExact(road);
    const seen = `select created_date = date '2024-03-31', created_time
      from public.fact_sales_order order by sales_order_id limit 1`;
    expect(await ask(road.warehouse, seen)).toEqual([['t', '03:30:00.000002']]);
  });

  it('make no difference to the time from which a run counts what it has loaded', async () => {
    const client = new pg.Client(road.warehouse);
    await client.connect();
    try {
      expect(await readClock(client)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    } finally {
      await client.end();
    }
  });

  it('make no difference to the next run, which finds nothing new', async () => {
    await runClean(road);
    expect(loadedRows(await runClean(road))).toMatchObject({ fact_sales_order: 0, dim_staff: 0 });
  });
});
