import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { restoreDump } from '../helpers/postgres/restore-dump.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../helpers/postgres/temporary-postgres.ts';
import { ask, assertExact, loadedRows, makeDataFolder, type Road, removeFolder, runClean } from './road.ts';

const dump = process.env.TOTESYS_SQL;

/** The rows of the real database, counted by others. */
const realRows = {
  dim_counterparty: 20,
  dim_currency: 3,
  dim_design: 249,
  dim_location: 30,
  dim_payment_type: 4,
  dim_staff: 20,
  dim_transaction: 7346,
  fact_payment: 7346,
  fact_purchase_order: 2247,
  fact_sales_order: 5099,
};

/** The same question to both sides. */
const comparisons: Record<string, { source: string; warehouse: string }> = {
  'money and units of the sales': {
    source: `select c.currency_code, count(*), sum(units_sold), sum(units_sold * unit_price), min(unit_price)
               from sales_order join currency c using (currency_id) group by 1 order by 1`,
    warehouse: `select c.currency_code, count(*), sum(units_sold), sum(units_sold * unit_price), min(unit_price)
                  from fact_sales_order join dim_currency c using (currency_id) group by 1 order by 1`,
  },
  'sales by department and design': {
    source: `select d.department_name, d.location, g.design_name, count(*), sum(o.unit_price)
               from sales_order o join staff s using (staff_id) join department d using (department_id)
               join design g using (design_id) group by 1, 2, 3 order by 1, 2, 3`,
    warehouse: `select s.department_name, s.location, g.design_name, count(*), sum(o.unit_price)
                  from fact_sales_order o join dim_staff s on s.staff_id = o.sales_staff_id
                  join dim_design g using (design_id) group by 1, 2, 3 order by 1, 2, 3`,
  },
  'counterparties with their addresses': {
    source: `select p.counterparty_id, p.counterparty_legal_name, a.address_line_1, a.address_line_2, a.district,
                    a.city, a.postal_code, a.country, a.phone
               from counterparty p join address a on a.address_id = p.legal_address_id order by 1`,
    warehouse: `select counterparty_id, counterparty_legal_name, counterparty_legal_address_line_1,
                       counterparty_legal_address_line_2, counterparty_legal_district, counterparty_legal_city,
                       counterparty_legal_postal_code, counterparty_legal_country, counterparty_legal_phone_number
                  from dim_counterparty order by 1`,
  },
  'staff with their departments': {
    source: `select staff_id, first_name, last_name, department_name, location, email_address
               from staff join department using (department_id) order by 1`,
    warehouse: `select staff_id, first_name, last_name, department_name, location, email_address
                  from dim_staff order by 1`,
  },
  'payments, row by row': {
    source: `select payment_id, created_at, last_updated, transaction_id, counterparty_id, payment_amount, currency_id,
                    payment_type_id, paid, payment_date from payment order by 1`,
    warehouse: `select payment_id, created_date + created_time, last_updated_date + last_updated_time, transaction_id,
                       counterparty_id, payment_amount, currency_id, payment_type_id, paid, payment_date
                  from fact_payment order by 1`,
  },
  'purchases by day of the week and place of delivery': {
    source: `select extract(isodow from o.created_at), a.country, count(*), sum(item_quantity * item_unit_price),
                    min(item_code), max(agreed_payment_date), min(o.last_updated::time)
               from purchase_order o join address a on a.address_id = agreed_delivery_location_id
              group by 1, 2 order by 1, 2`,
    warehouse: `select d.day_of_week, l.country, count(*), sum(item_quantity * item_unit_price),
                       min(item_code), max(agreed_payment_date), min(last_updated_time)
                  from fact_purchase_order join dim_date d on d.date_id = created_date
                  join dim_location l on l.location_id = agreed_delivery_location_id
                 group by 1, 2 order by 1, 2`,
  },
  'what transactions belong to': {
    source: `select transaction_type, count(*), count(sales_order_id), sum(sales_order_id), sum(purchase_order_id)
               from transaction group by 1 order by 1`,
    warehouse: `select transaction_type, count(*), count(sales_order_id), sum(sales_order_id), sum(purchase_order_id)
                  from dim_transaction group by 1 order by 1`,
  },
};

async function carryTheRealRows(road: Road): Promise<void> {
  const report = await runClean(road);
  const { dim_date: dates, ...rows } = loadedRows(report);
  expect(rows).toEqual(realRows);
  expect(dates).toBeGreaterThan(360);
  expect(report.ok).toBe(true);
  expect(report.tables.map(({ extracted, loaded }) => extracted - loaded)).toEqual(Array(11).fill(0));
  await assertExact(road);
  for (const { source, warehouse } of Object.values(comparisons)) {
    const expected = await ask(road.source, source);
    expect(expected.length).toBeGreaterThan(1);
    expect(await ask(road.warehouse, warehouse)).toEqual(expected);
  }
  expect(loadedRows(await runClean(road))).toEqual({ ...zeros(realRows), dim_date: 0 });
}

const zeros = (rows: object): Record<string, number> =>
  Object.fromEntries(Object.keys(rows).map((table) => [table, 0]));

if (dump === undefined) {
  console.warn('NOT TESTED: the real Totesys database. Name a dump of it in TOTESYS_SQL.');
  describe('the real Totesys database', () => {
    it.skip('is carried when TOTESYS_SQL names a dump of it', () => {});
  });
} else {
  describe('the real Totesys database', () => {
    let new18: PostgresServer;
    let old: PostgresServer | undefined;
    const folders: string[] = [];
    beforeAll(async () => {
      if (!existsSync(dump)) throw new Error(`TOTESYS_SQL names ${dump}, which is not there`);
      new18 = await startTemporaryPostgres();
      old = await startInstalledPostgres();
    });
    afterAll(async () => {
      await Promise.all([new18?.stop(), old?.stop(), ...folders.map(removeFolder)]);
    });

    async function makeRoad(sourceServer: PostgresServer, warehouseServer: PostgresServer): Promise<Road> {
      const [source, warehouse] = [
        await sourceServer.createDatabase('totesys'),
        await warehouseServer.createDatabase('warehouse'),
      ];
      const data = await makeDataFolder();
      folders.push(data);
      await restoreDump(dump ?? '', source);
      return { source, warehouse, data };
    }

    it('lands exactly, from an installed Postgres in Postgres 18', async () => {
      if (old === undefined)
        return void console.warn('NOT TESTED: this machine has no installed Postgres server');
      await carryTheRealRows(await makeRoad(old, new18));
    });

    it('lands exactly, from Postgres 18 in an installed Postgres', async () => {
      // Without an installed one, both sides are 18: the real rows are carried all the same.
      if (old === undefined)
        console.warn('NOT TESTED: an older warehouse; this machine has no installed Postgres server');
      await carryTheRealRows(await makeRoad(new18, old ?? new18));
    });
  });
}
