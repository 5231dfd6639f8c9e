import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { fillSampleShop } from '../../../models/totesys/sample/fill.ts';
import { startTrading } from '../../../models/totesys/sample/trading.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

// What is new since the fill, whose times all lie before September 2025.
const NEWS = `
select
  (select count(*) from sales_order where created_at > '2025-09-01')::int as sales,
  (select count(*) from purchase_order where created_at > '2025-09-01')::int as purchases,
  (select count(*) from payment where created_at > '2025-09-01')::int as payments,
  (select count(*) from payment where paid and last_updated > '2025-09-01')::int as paid,
  (select count(*) from staff where last_updated > '2025-09-01')::int as staff,
  (select count(*) from address where last_updated > '2025-09-01')::int as addresses,
  (select count(*) from department where last_updated > '2025-09-01')::int as departments,
  (select count(*) from design where last_updated > '2025-09-01')::int as designs,
  (select xact_rollback from pg_stat_database where datname = current_database())::int as rolled_back,
  (select count(*) from (select * from kept except select sales_order_id, agreed_delivery_date, last_updated
     from sales_order))::int as edited_in_place`;

const WRONG = `
select count(*)::int as n from payment p join transaction t using (transaction_id)
  left join sales_order s using (sales_order_id) left join purchase_order b using (purchase_order_id)
 where p.payment_amount <> coalesce(s.units_sold * s.unit_price, b.item_quantity * b.item_unit_price)
    or p.counterparty_id <> coalesce(s.counterparty_id, b.counterparty_id)
    or abs(extract(epoch from now() at time zone 'UTC' - p.last_updated)) > 600 and p.last_updated > '2025-09-01'`;

describe('a trading sample shop', () => {
  let server: PostgresServer;
  let url: string;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings: { timezone: 'Asia/Tokyo' } });
    url = await server.createDatabase('shop');
    client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    await fillSampleShop(client, { orders: 1200 });
    await client.query(
      'create table kept as select sales_order_id, agreed_delivery_date, last_updated from sales_order',
    );
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  const until = async (isMet: () => Promise<boolean> | boolean) => {
    const deadline = Date.now() + 20_000;
    while (!(await isMet())) if (Date.now() > deadline) throw new Error('the deadline has passed');
  };

  it('makes every kind of change, without an error, and payments that fit their orders', async () => {
    const errors: unknown[] = [];
    const shop = startTrading(url, {
      changesPerSecond: 1000,
      seed: 2,
      onError: (error) => errors.push(error),
    });
    await until(async () => {
      const { rows } = await client.query(NEWS);
      return Object.values(rows[0]).every((count) => Number(count) > 0);
    });
    await shop.stop();
    expect(errors).toEqual([]);
    const { rows } = await client.query(WRONG);
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('stops: no connection and no change is left behind', async () => {
    const shop = startTrading(url, { changesPerSecond: 1000 });
    const connections = `select count(*)::int as n from pg_stat_activity where application_name = 'starlift sample shop'`;
    await until(async () => (await client.query(connections)).rows[0].n === 1);
    await shop.stop();
    await until(async () => (await client.query(connections)).rows[0].n === 0);
  });

  it('tells of a lost server and goes on when it is back', async () => {
    const errors: unknown[] = [];
    const shop = startTrading(url, { changesPerSecond: 200, onError: (error) => errors.push(error) });
    await server.kill('SIGINT');
    await until(() => new Promise((resolve) => setImmediate(() => resolve(errors.length > 0))));
    await server.restart();
    client = new pg.Client({ connectionString: url });
    await client.connect();
    const count = async () => (await client.query('select count(*)::int as n from sales_order')).rows[0].n;
    const before = await count();
    await until(async () => (await count()) > before);
    await shop.stop();
  });
});
