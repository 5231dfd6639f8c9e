import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { findStarLock } from '../../../cli/run/report/check-tables.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';

describe('a star table that somebody has locked', () => {
  let server: PostgresServer;
  let warehouse: pg.Client;
  let locker: pg.Client;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const url = await server.createDatabase('warehouse');
    warehouse = new pg.Client(url);
    locker = new pg.Client({ connectionString: url, application_name: 'migration' });
    for (const client of [warehouse, locker]) await client.connect();
    await warehouse.query('create table dim_colour ()');
  });
  afterAll(async () => {
    for (const client of [warehouse, locker]) await client.end();
    await server.stop();
  });

  const find = () => findStarLock(warehouse, { model: smallModel, warehouseSchema: 'public' });
  const lock = () => locker.query('begin; lock table dim_colour in access exclusive mode');

  it('is not reported when the lock ends at once', async () => {
    await lock();
    const found = find();
    // The first look has found the lock by now: the statement waits for no lock and is answered before this one.
    await warehouse.query('select 1');
    await locker.query('rollback');
    expect(await found).toBeUndefined();
  });

  it('is reported with its holder when the lock stays', async () => {
    await lock();
    expect(await find()).toMatchObject({ table: 'dim_colour', application: 'migration' });
    await locker.query('rollback');
  });
});
