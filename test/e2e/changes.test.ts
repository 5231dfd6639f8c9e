import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { lastJson } from '../helpers/processes/starlift.ts';
import { seen } from '../helpers/seen.ts';
import { type OpenRoad, openRoad } from './open-road.ts';
import {
  ask,
  assertExact,
  loadedRows,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  type RunResult,
  removeFolder,
  runClean,
  runRoad,
} from './road.ts';
import { startWatch } from './watch.ts';
import { startWriter } from './writer.ts';

/** A version of one sales order as the warehouse keeps it. */
const versionsOf = (id: number) =>
  `select units_sold, last_updated_date + last_updated_time from fact_sales_order where sales_order_id = ${id} order by 2`;

describe('changes in the source', () => {
  let server: PostgresServer;
  let road: Road;
  let open: OpenRoad;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    const source = await makeShop(server, 'shop');
    road = { source, warehouse: await server.createDatabase('warehouse'), data: await makeDataFolder() };
    await runClean(road);
    open = await openRoad(road);
  });
  afterAll(async () => {
    await open.close();
    await server.stop();
    await removeFolder(road.data);
  });

  it('an edit with its last_updated adds a version, an edit without it mends the version that is there', async () => {
    const [[before] = []] = await ask(
      road.source,
      'select last_updated from sales_order where sales_order_id = 7',
    );
    await ask(
      road.source,
      `update sales_order set units_sold = 111, last_updated = '2031-01-01 10:00:00.000001' where sales_order_id = 7;
       update sales_order set units_sold = 222 where sales_order_id = 8`,
    );
    const report = await open.runClean();
    expect(loadedRows(report)).toMatchObject({ fact_sales_order: 2, fact_payment: 0, dim_staff: 0 });
    const versions = await ask(road.warehouse, versionsOf(7));
    expect(versions.map(([, lastUpdated]) => lastUpdated)).toEqual([before, '2031-01-01 10:00:00.000001']);
    expect(versions.at(-1)?.[0]).toBe('111');
    expect((await ask(road.warehouse, versionsOf(8))).map(([units]) => units)).toEqual(['222']);
  });

  it('a department and an address reach all who belong to them, though their rows are untouched', async () => {
    await ask(
      road.source,
      `update department set department_name = 'Späti 🥨', location = null where department_id = 1;
       update address set city = '', district = null where address_id in (select legal_address_id from counterparty)`,
    );
    const [[staff] = []] = await ask(road.source, 'select count(*) from staff where department_id = 1');
    const { dim_staff, dim_counterparty, dim_location } = loadedRows(await open.runClean());
    expect(String(dim_staff)).toBe(staff);
    expect(dim_counterparty).toBeGreaterThan(0);
    expect(dim_location).toBeGreaterThan(0);
    await assertExact(road);
  });

  it('a transaction that commits late under old timestamps is found, one that is rolled back is not', async () => {
    const [late, undone] = [new pg.Client(road.source), new pg.Client(road.source)];
    await Promise.all([late.connect(), undone.connect()]);
    const order = (id: number, at: string) => `
      insert into sales_order
      select ${id}, design_id, staff_id, counterparty_id, units_sold, unit_price, currency_id, agreed_delivery_date,
             agreed_payment_date, agreed_delivery_location_id, '${at}', '${at}'
        from sales_order where sales_order_id = 1`;
    await late.query(`begin; savepoint s; ${order(900001, '2020-02-02 02:02:02')}; release savepoint s`);
    await undone.query(`begin; ${order(900002, '2031-02-02 02:02:02')}`);
    await ask(road.source, order(900003, '2032-02-02'));
    expect(loadedRows(await open.runClean())).toMatchObject({ fact_sales_order: 1 });
    await late.query('commit');
    await undone.query('rollback');
    await Promise.all([late.end(), undone.end()]);
    expect(loadedRows(await open.runClean())).toMatchObject({ fact_sales_order: 1 });
    expect(await ask(road.warehouse, versionsOf(900001))).toHaveLength(1);
  });

  it('odd but legal rows land', async () => {
    await ask(
      road.source,
      `insert into currency values (0, 'ZZZ', now(), now()), (-5, 'gbp', now(), now());
       insert into address values (-1, '', null, null, 'Łódź', E'tab\\tand \\\\ and "', 'Åland', E'two\\nlines', now(), now());
       insert into design values (0, '🧵', '', 'null', '-infinity'::timestamp, now());
       insert into sales_order
       select id, 0, staff_id, counterparty_id, 1, 0.01, -5, '0001-01-01', '9999-12-31', -1, created_at, last_updated
         from sales_order, (values (0), (-2147483648)) as odd (id) where sales_order_id = 1`,
    );
    const report = await open.runClean();
    expect(loadedRows(report)).toMatchObject({
      dim_currency: 2,
      dim_location: 1,
      dim_design: 1,
      fact_sales_order: 2,
    });
    expect(
      await ask(
        road.warehouse,
        'select currency_name from dim_currency where currency_id in (0, -5) order by 1',
      ),
    ).toEqual([['ZZZ'], ['gbp']].sort());
    await assertExact(road);
  });

  it('is exact after sessions that wrote all the while through repeated runs', async () => {
    await open.close();
    const writers = Array.from({ length: 4 }, (_, index) => startWriter(road.source, index));
    const watch = startWatch([...optionsOf(road), '--every', '0.05', '--json']);
    const runs = () => watch.output().match(/^\{"run":.*\}$/gm) ?? [];
    const withPayments = () =>
      runs().filter((line) => (loadedRows(JSON.parse(line) as RunResult).fact_payment ?? 0) > 0);
    try {
      await seen(() => withPayments().length > 4);
    } finally {
      await Promise.all(writers.map((writer) => writer.stop()));
      await watch.end('SIGINT');
    }
    await runClean(road);
    await assertExact(road);
  });

  it('a date that is none goes to quarantine, and its neighbours land', async () => {
    await open.close();
    await ask(
      road.source,
      `update sales_order set agreed_payment_date = '2023-02-30' where sales_order_id = 20;
       update sales_order set units_sold = units_sold + 1 where sales_order_id = 21`,
    );
    const result = await runRoad(road);
    expect(result.code).toBe(1);
    const fact = lastJson<RunResult>(result).tables.find(({ table }) => table === 'fact_sales_order');
    expect(fact).toMatchObject({ extracted: 2, loaded: 1, quarantined: 1, waiting: 0, failed: 0 });
    expect(result.stderr).toMatch(/fact_sales_order.*contract|quarantine/);
  });
});
