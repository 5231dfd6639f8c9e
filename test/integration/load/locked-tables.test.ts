import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { RefusedError } from '../../../shared/errors.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { blue, red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('a load of a table that another session has locked', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  let locker: pg.Client;
  let pid: number;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const url = await server.createDatabase(`warehouse_${randomUUID()}`);
    warehouse = await WarehouseUnderTest.make(url, smallModel);
    locker = new pg.Client({ connectionString: url, application_name: 'migration' });
    await locker.connect();
    const { rows } = await locker.query('select pg_backend_pid() as pid');
    pid = rows[0].pid;
  });
  afterEach(async () => {
    await locker.end();
    await warehouse.end();
  });

  const lock = (table: string) => locker.query(`begin; lock table ${table} in access exclusive mode`);

  async function expectRefused(load: Promise<unknown>, table: string): Promise<void> {
    const error: unknown = await load.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({
      by: 'lock',
      message: expect.stringMatching(
        new RegExp(
          `^${table} is locked by pid ${pid} \\(migration\\) since \\d{4}-\\d\\d-\\d\\d [\\d:]{8} UTC$`,
        ),
      ),
    });
  }

  it('is refused within seconds and names who holds it, and other tables are loaded meanwhile', async () => {
    const colour = await warehouse.put('dim_colour', { rows: [red] });
    await lock('dim_colour');
    await expectRefused(warehouse.load(colour), 'dim_colour');
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await locker.query('rollback');
    expect((await warehouse.load(colour)).outcome).toBe('loaded');
    expect(await warehouse.ask('select count(*) as n from dim_shape')).toEqual([{ n: '1' }]);
  });

  it.each(['fact_sale', 'dim_colour', 'dim_date'])(
    'is refused where a fact writes or reads %s',
    async (table) => {
      await warehouse.putAndLoad('dim_colour', { rows: [red] });
      await warehouse.putAndLoad('dim_shape', { rows: [round] });
      const fact = await warehouse.put('fact_sale', { rows: [sale()] });
      await lock(table);
      await expectRefused(warehouse.load(fact), table);
      await locker.query('rollback');
      await warehouse.load(fact);
      expect(await warehouse.ask('select count(*) as n from fact_sale')).toEqual([{ n: '1' }]);
    },
  );

  it('is refused where a dimension would release rows of a locked fact, which go on waiting', async () => {
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    expect((await warehouse.putAndLoad('fact_sale', { rows: [sale()] })).waiting).toBe(1);
    const colours = await warehouse.put('dim_colour', { rows: [red, blue] });
    await lock('fact_sale');
    await expectRefused(warehouse.load(colours), 'fact_sale');
    await locker.query('rollback');
    expect((await warehouse.load(colours)).released).toBe(1);
    expect(await warehouse.ask('select count(*) as n from fact_sale')).toEqual([{ n: '1' }]);
  });
});
