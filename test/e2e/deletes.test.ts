import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isLong } from '../helpers/jest/long-form.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { seen } from '../helpers/seen.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
} from './road.ts';
import { startWatch, type Watch } from './watch.ts';

// Whole runs in processes of their own, and the machine may be busy.
jest.setTimeout(300_000);

const tables = {
  payment: 'fact_payment',
  sales_order: 'fact_sales_order',
  purchase_order: 'fact_purchase_order',
  transaction: 'dim_transaction',
  staff: 'dim_staff',
  counterparty: 'dim_counterparty',
  currency: 'dim_currency',
  design: 'dim_design',
  payment_type: 'dim_payment_type',
  address: 'dim_location',
};

describe('rows that are deleted while a watch runs', () => {
  let server: PostgresServer;
  let road: Road;
  let watch: Watch | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const source = await makeShop(server, 'shop', 300);
    road = { source, warehouse: await server.createDatabase('warehouse'), data: await makeDataFolder() };
    // The first censuses come once the first loads are whole.
    await runClean(road);
    await runClean(road);
  });
  afterEach(async () => {
    await watch?.end();
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(road.data);
  });

  /** Rows that others name go as well, as where no foreign key is enforced; the session reports its deletes at once. */
  const inSession = (sql: string) =>
    ask(
      road.source,
      `begin; set local session_replication_role = replica; ${sql}; select pg_stat_force_next_flush(); commit`,
    );
  const count = async (url: string, from: string) =>
    Number((await ask(url, `select count(*) from ${from}`))[0]?.[0]);
  const marked = (table: string) =>
    count(road.warehouse, `(select distinct ${keyOf(table)} from ${table} where _deleted_by is not null) d`);
  const keyOf = (table: string) =>
    Object.entries(tables).find(([, name]) => name === table)?.[0] === 'address'
      ? 'location_id'
      : `${table.replace(/^(fact|dim)_/, '')}_id`;

  const sums = [
    ['sum(payment_amount), count(*)', 'payment', 'fact_payment_current'],
    ['sum(units_sold * unit_price), count(*)', 'sales_order', 'fact_sales_order_current'],
    ['sum(item_quantity * item_unit_price), count(*)', 'purchase_order', 'fact_purchase_order_current'],
    ['count(*)', 'staff', 'dim_staff_current'],
    ['count(*)', 'address', 'dim_location_current'],
  ] as const;
  const expectSums = async () => {
    for (const [list, from, view] of sums) {
      expect([view, await ask(road.warehouse, `select ${list} from ${view}`)]).toEqual([
        view,
        await ask(road.source, `select ${list} from ${from}`),
      ]);
    }
  };

  it('are marked, a tenth of each table, and the current views say what the source says', async () => {
    expect(await count(road.warehouse, `starlift.census where state = 'applied'`)).toBe(
      Object.keys(tables).length,
    );
    watch = startWatch(['--every', '1', ...optionsOf(road)]);
    const running = watch;
    await seen(() => running.output().includes('Watching'));
    const gone = new Map<string, number>();
    for (const [table, into] of Object.entries(tables)) {
      const key = `${table}_id`;
      const isFree =
        table === 'address' ? 'address_id not in (select legal_address_id from counterparty)' : 'true';
      const tenth = Math.ceil((await count(road.source, table)) / 10);
      await inSession(
        `delete from ${table} where ${key} in (select ${key} from ${table} where ${isFree} order by ${key} limit ${tenth})`,
      );
      gone.set(into, tenth);
    }
    await seen(async () => {
      for (const [into, rows] of gone) if ((await marked(into)) !== rows) return false;
      return true;
    }, 120);
    expect(await watch.end('SIGINT')).toMatchObject({ code: 0, stderr: '' });
    await runClean(road);
    await assertExact(road);
    await expectSums();
  });

  it('are marked all the same where the watch is killed in the middle of it, again and again', async () => {
    const entries = () => count(road.warehouse, 'starlift.object');
    for (let round = 1; round <= (isLong ? 12 : 2); round++) {
      watch = startWatch(['--every', '0.2', ...optionsOf(road)]);
      const before = await entries();
      const running = watch;
      await inSession(`
        insert into payment select * from jsonb_populate_record(null::payment,
          (select to_jsonb(p) || '{"payment_id": ${90_000 + round}}' from payment p order by payment_id limit 1));
        delete from payment where payment_id in (select payment_id from payment where payment_id < 90000 order by payment_id limit 3);
        delete from sales_order where sales_order_id in (select sales_order_id from sales_order order by sales_order_id desc limit 2);
        update design set design_name = 'round ${round}' where design_id in (select max(design_id) from design)`);
      // Each time a little further.
      await seen(async () => (await entries()) > before + (round % 4));
      await running.end('SIGKILL');
    }
    await seen(async () => {
      await runClean(road);
      const [live, source] = await Promise.all([
        count(road.warehouse, 'fact_payment_current'),
        count(road.source, 'payment'),
      ]);
      const [orders, sold] = await Promise.all([
        count(road.warehouse, 'fact_sales_order_current'),
        count(road.source, 'sales_order'),
      ]);
      return live === source && orders === sold;
    }, 120);
    await assertExact(road);
    await expectSums();
  });
});
