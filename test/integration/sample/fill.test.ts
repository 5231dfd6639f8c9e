import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { fillSampleShop } from '../../../models/totesys/sample/fill.ts';
import { createShopSchema } from '../../../models/totesys/sample/schema.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

// Counts of rows that a sensible shop has none of.
const NONSENSE = `
select
  (select count(*) from sales_order where to_date(agreed_delivery_date, 'YYYY-MM-DD') <= created_at
       or to_date(agreed_payment_date, 'YYYY-MM-DD') <= created_at::date
       or agreed_delivery_date !~ '^20\\d\\d-\\d\\d-\\d\\d$' or agreed_payment_date !~ '^20\\d\\d-\\d\\d-\\d\\d$')::int as dates,
  (select count(*) from (select created_at, last_updated from sales_order union all
       select created_at, last_updated from purchase_order union all select created_at, last_updated from payment
       union all select created_at, last_updated from transaction union all select created_at, last_updated from design)
    where last_updated < created_at or created_at < '2024-09-02' or last_updated >= '2025-08-30')::int as times,
  (select count(*) from sales_order s join design d using (design_id) where d.created_at > s.created_at)::int as unborn,
  (select count(*) from sales_order where extract(isodow from created_at) > 5
       or created_at::time not between '08:30' and '17:30')::int as closed,
  (select count(*) from transaction where (transaction_type = 'SALE') <> (sales_order_id is not null)
       or (transaction_type = 'PURCHASE') <> (purchase_order_id is not null))::int as untyped,
  (select count(*) from payment p join transaction t using (transaction_id)
       left join sales_order s using (sales_order_id) left join purchase_order b using (purchase_order_id)
    where p.payment_amount <> coalesce(s.units_sold * s.unit_price, b.item_quantity * b.item_unit_price)
       or p.currency_id <> coalesce(s.currency_id, b.currency_id)
       or p.counterparty_id <> coalesce(s.counterparty_id, b.counterparty_id)
       or t.created_at <> coalesce(s.created_at, b.created_at) or p.created_at <> t.created_at
       or (p.payment_type_id <= 2) <> (t.transaction_type = 'SALE'))::int as unsettled,
  (select count(*) from payment where paid and last_updated::date <> payment_date::date)::int as unpaid`;

// Things that must be there for the road to be tried: counts of rows that have them.
const VARIETY = `
select
  (select count(*) from address where address_line_2 is null) as no_second_line,
  (select count(*) from address where address_line_2 is not null) as second_line,
  (select count(*) from address where district is null) as no_district,
  (select count(*) from department where location is null) as no_location,
  (select count(*) from department where manager is null) as no_manager,
  (select count(*) from staff where last_name ~ '[^ -~]' or first_name ~ '[^ -~]') as unicode_staff,
  (select count(*) from staff where last_updated > created_at) as edited_staff,
  (select count(*) from address where last_updated > created_at) as edited_address,
  (select count(*) from department where last_updated > created_at) as edited_department,
  (select count(*) from design where last_updated > created_at) as edited_design,
  (select count(*) from design where file_name like '%-v2.json' and last_updated = created_at) as design_in_place,
  (select count(*) from sales_order where last_updated > created_at) as edited_sale,
  (select count(*) from payment where paid) as paid,
  (select count(*) from payment where not paid) as unpaid,
  (select count(*) from payment where payment_id <> transaction_id) as crossed,
  (select count(*) from payment where payment_type_id in (2, 4)) as refunds,
  (select count(*) from sales_order where extract(microseconds from created_at)::int % 1000 <> 0) as micros,
  (select count(*) from (select last_updated from payment group by 1 having count(*) > 5)) as ties`;

const TABLES = ['address', 'counterparty', 'currency', 'department', 'design', 'payment', 'payment_type'];
const ALL_TABLES = [...TABLES, 'purchase_order', 'sales_order', 'staff', 'transaction'];

describe('a filled sample shop', () => {
  let server: PostgresServer;
  let url: string;
  let filled: Record<string, number>;
  const progress: [string, number][] = [];
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    url = await server.createDatabase('shop');
    filled = await withClient(url, (client) =>
      fillSampleShop(client, { onProgress: (table, rows) => progress.push([table, rows]) }),
    );
  });
  afterAll(() => server.stop());

  it('holds the rows that it reports, a year of 5,000 orders', async () => {
    expect(filled).toMatchObject({
      sales_order: 5000,
      purchase_order: 2200,
      transaction: 7200,
      payment: 7200,
    });
    expect(Object.keys(filled).sort()).toEqual(ALL_TABLES);
    for (const table of ALL_TABLES) {
      const { rows } = await withClient(url, (client) =>
        client.query(`select count(*)::int as n from ${table}`),
      );
      expect([table, rows[0].n]).toEqual([table, filled[table]]);
      expect(progress).toContainEqual([table, filled[table]]);
    }
  });

  it('makes sense: dates, amounts, open hours and references fit together', async () => {
    const { rows } = await withClient(url, (client) => client.query(NONSENSE));
    expect(rows).toEqual([{ dates: 0, times: 0, unborn: 0, closed: 0, untyped: 0, unsettled: 0, unpaid: 0 }]);
  });

  it('has the nulls, edits, ties and names that real data has', async () => {
    const { rows } = await withClient(url, (client) => client.query(VARIETY));
    expect(Object.entries(rows[0]).filter(([, count]) => Number(count) === 0)).toEqual([]);
  });

  it('has a primary key on every table and 17 foreign keys, all of them proven', async () => {
    const { rows } = await withClient(url, (client) =>
      client.query(`select contype, count(*)::int as n, bool_and(convalidated) as proven from pg_constraint
        where connamespace = 'public'::regnamespace and contype in ('p', 'f') group by 1 order by 1`),
    );
    expect(rows).toEqual([
      { contype: 'f', n: 17, proven: true },
      { contype: 'p', n: 12, proven: true },
    ]);
  });

  it('fills an empty complete schema too, with the same rows', async () => {
    const other = await server.createDatabase('empty_schema');
    const digest = `select md5(string_agg(p::text, '|' order by payment_id)) || md5((select string_agg(s::text, '|'
      order by sales_order_id) from sales_order s)) as digest from payment p`;
    const [theirs, ours] = await Promise.all([
      withClient(other, async (client) => {
        await createShopSchema(client);
        await fillSampleShop(client, {});
        return client.query(digest);
      }),
      withClient(url, (client) => client.query(digest)),
    ]);
    expect(theirs.rows).toEqual(ours.rows);
  });

  it('refuses a database that holds such a table, naming it, and changes nothing', async () => {
    await withClient(url, (client) =>
      expect(fillSampleShop(client, {})).rejects.toThrow('the table address already has rows'),
    );
    const taken = await server.createDatabase('taken');
    await withClient(taken, async (client) => {
      await client.query('create table staff (n int)');
      await expect(fillSampleShop(client, { orders: 5 })).rejects.toThrow('already has a table staff');
      const { rows } = await client.query(
        `select relname from pg_class where relnamespace = 'public'::regnamespace`,
      );
      expect(rows).toEqual([{ relname: 'staff' }]);
    });
  });

  it('leaves nothing when the fill is killed half-way, and starts again', async () => {
    const interrupted = await server.createDatabase('interrupted');
    const dying = new pg.Client({ connectionString: interrupted });
    dying.on('error', () => {});
    await dying.connect();
    const destroy = (table: string) => {
      if (table === 'transaction') dying.connection.stream.destroy();
    };
    await expect(fillSampleShop(dying, { orders: 200, onProgress: destroy })).rejects.toThrow();
    await withClient(interrupted, async (client) => {
      const { rows } = await client.query(`select to_regclass('address') as address`);
      expect(rows).toEqual([{ address: null }]);
      expect(await fillSampleShop(client, { orders: 200 })).toMatchObject({ sales_order: 200, payment: 288 });
    });
  });

  it('fills any size, none at all included', async () => {
    for (const orders of [0, 1, 37]) {
      const small = await server.createDatabase(`orders_${orders}`);
      const rows = await withClient(small, (client) => fillSampleShop(client, { orders }));
      expect(rows).toMatchObject({ sales_order: orders, payment: orders + Math.round(orders * 0.44) });
    }
  });

  it('fills an installed Postgres as well', async () => {
    const installed = await startInstalledPostgres();
    if (installed === undefined) {
      console.warn('NOT TESTED: this machine has no installed Postgres server');
      return;
    }
    try {
      const rows = await withClient(installed.url(), (client) => fillSampleShop(client, { orders: 100 }));
      expect(rows).toMatchObject({ sales_order: 100, purchase_order: 44, transaction: 144 });
    } finally {
      await installed.stop();
    }
  });
});
