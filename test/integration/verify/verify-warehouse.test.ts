import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { connect } from '../../../cli/connect.ts';
import { type VerifyReport, verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/temporary-postgres.ts';
import { expectedRows, sourceSql, warehouseSql } from './shop.ts';

// Servers start, and the machine may be busy.
jest.setTimeout(60_000);

const countNames = ['missing', 'extra', 'doubled', 'different', 'dangling'] as const;

/** Only what is not clean: table -> counts other than 0. */
function differences({ tables }: VerifyReport) {
  const counts = tables.map((table) => [
    table.table,
    Object.fromEntries(countNames.flatMap((name) => (table[name] === 0 ? [] : [[name, table[name]]]))),
  ]);
  return Object.fromEntries(counts.filter(([, found]) => Object.keys(found as object).length > 0));
}

const examples = ({ tables }: VerifyReport) => tables.flatMap((table) => table.examples);

describe('verify', () => {
  let source: PostgresServer;
  let warehouse: PostgresServer;
  let databases = 0;

  beforeAll(async () => {
    // Other versions and settings on the two sides, where the machine can: neither may show.
    const settings = { datestyle: 'SQL, DMY', timezone: 'Asia/Tokyo' };
    [source, warehouse] = await Promise.all([
      startTemporaryPostgres(),
      startInstalledPostgres({ settings }).then((server) => server ?? startTemporaryPostgres({ settings })),
    ]);
    await run(await source.createDatabase('shop'), sourceSql);
    await run(await warehouse.createDatabase('star'), warehouseSql);
  });
  afterAll(() => Promise.all([source?.stop(), warehouse?.stop()]));

  async function run(url: string, sql: string): Promise<void> {
    const client = await connect(url, 'warehouse');
    try {
      await client.query(`set datestyle = iso; ${sql}`);
    } finally {
      await client.end();
    }
  }

  /** Verifies the exact copy after it was broken by the statements. */
  async function verifyAfter(
    broken: { source?: string; warehouse?: string },
    { schema = 'public', onExtra }: { schema?: string; onExtra?: (...row: string[]) => void } = {},
  ): Promise<VerifyReport> {
    databases += 1;
    const sourceUrl = await source.createDatabase(`shop_${databases}`, 'shop');
    const warehouseUrl = await warehouse.createDatabase(`star_${databases}`, 'star');
    await run(sourceUrl, broken.source ?? '');
    await run(warehouseUrl, broken.warehouse ?? '');
    const clients = {
      source: await connect(sourceUrl, 'source'),
      warehouse: await connect(warehouseUrl, 'warehouse'),
    };
    try {
      return await verifyWarehouse({ ...clients, warehouseSchema: schema, ...(onExtra && { onExtra }) });
    } finally {
      await Promise.all([clients.source.end(), clients.warehouse.end()]);
    }
  }

  it('finds nothing in an exact copy, older versions and more days in it', async () => {
    const report = await verifyAfter({});
    expect(report.ok).toBe(true);
    expect(report.tables).toEqual(
      Object.entries(expectedRows).map(([table, rows]) => ({
        table,
        expected: rows,
        found: rows,
        missing: 0,
        extra: 0,
        doubled: 0,
        different: 0,
        dangling: 0,
        examples: [],
      })),
    );
  });

  it('reads the warehouse tables of another schema', async () => {
    const report = await verifyAfter(
      { warehouse: 'alter schema public rename to "my star"' },
      { schema: 'my star' },
    );
    expect(differences(report)).toEqual({});
    expect(report.ok).toBe(true);
  });

  it('finds a row that is not there', async () => {
    const report = await verifyAfter({ warehouse: 'delete from fact_sales_order where sales_order_id = 10' });
    expect(report.ok).toBe(false);
    expect(differences(report)).toEqual({ fact_sales_order: { missing: 1 } });
    expect(report.tables.at(-1)).toMatchObject({ expected: 2, found: 1 });
    expect(examples(report)).toEqual([
      {
        kind: 'missing',
        table: 'fact_sales_order',
        key: '10',
        column: 'last_updated',
        expected: '2024-02-29 23:59:59.999999',
      },
    ]);
  });

  it('finds a current version that is not there beside an older one', async () => {
    const report = await verifyAfter({
      warehouse: `delete from fact_sales_order where last_updated_time = '14:20:52.186001'`,
    });
    expect(differences(report)).toEqual({ fact_sales_order: { missing: 1 } });
    expect(examples(report)).toMatchObject([
      { key: '2', expected: '2024-02-28 14:20:52.186001', found: '2024-02-28 14:20:52.186' },
    ]);
  });

  it('finds a microsecond', async () => {
    const report = await verifyAfter({
      warehouse: `update fact_payment set created_time = '10:00:00.500001' where payment_id = 0`,
    });
    expect(differences(report)).toEqual({ fact_payment: { different: 1 } });
    expect(examples(report)).toEqual([
      {
        kind: 'different',
        table: 'fact_payment',
        key: '0',
        column: 'created_time',
        expected: '10:00:00.5',
        found: '10:00:00.500001',
      },
    ]);
  });

  it.each([
    ['a cent', 'unit_price = 99999999.98', 'unit_price', '99999999.99', '99999999.98'],
    ['a day', `agreed_delivery_date = '2024-02-29'`, 'agreed_delivery_date', '2024-03-01', '2024-02-29'],
    ['a null', 'units_sold = null', 'units_sold', '1', null],
  ])('finds %s', async (_, change, column, expected, found) => {
    const report = await verifyAfter({
      warehouse: `update fact_sales_order set ${change} where sales_order_id = 10`,
    });
    expect(differences(report)).toEqual({ fact_sales_order: { different: 1 } });
    expect(examples(report)).toEqual([
      { kind: 'different', table: 'fact_sales_order', key: '10', column, expected, found },
    ]);
  });

  it('finds another scale of an equal number', async () => {
    const report = await verifyAfter({
      warehouse: 'alter table fact_payment alter payment_amount type numeric(12,3)',
    });
    expect(differences(report)).toEqual({ fact_payment: { different: 2 } });
    expect(examples(report)).toMatchObject([
      { expected: '552548.62', found: '552548.620' },
      { expected: '0.60', found: '0.600' },
    ]);
  });

  it('tells the empty text from null, both ways', async () => {
    const report = await verifyAfter({
      warehouse: `update dim_location set address_line_2 = '', district = null where location_id = 1`,
    });
    expect(differences(report)).toEqual({ dim_location: { different: 1 } });
    expect(examples(report)).toEqual([
      {
        kind: 'different',
        table: 'dim_location',
        key: '1',
        column: 'address_line_2',
        expected: null,
        found: '',
      },
      { kind: 'different', table: 'dim_location', key: '1', column: 'district', expected: '', found: null },
    ]);
  });

  it('names the version of a row that no warehouse can hold', async () => {
    const report = await verifyAfter({
      source: `update sales_order set last_updated = 'infinity' where sales_order_id = 10`,
    });
    expect(examples(report)).toMatchObject([
      { kind: 'missing', table: 'fact_sales_order', key: '10', column: 'last_updated', expected: 'infinity' },
    ]);
  });

  it('finds rows whose key the source no longer has, in every version, and lists them all', async () => {
    const listed: string[][] = [];
    const report = await verifyAfter(
      { source: 'delete from sales_order where sales_order_id = 2' },
      { onExtra: (...row) => listed.push(row) },
    );
    expect(differences(report)).toEqual({ fact_sales_order: { extra: 2 } });
    expect(report.tables.at(-1)).toMatchObject({ expected: 1, found: 1 });
    expect(listed).toEqual([
      ['fact_sales_order', '2', '2024-02-28 14:20:52.186'],
      ['fact_sales_order', '2', '2024-02-28 14:20:52.186001'],
    ]);
  });

  it.each([-7, 0, 3, 2_147_483_647])('finds an extra key %d wherever it sorts', async (key) => {
    const report = await verifyAfter({
      warehouse: `insert into dim_design values (${key}, 'Other', '/', 'o.json')`,
    });
    expect(differences(report)).toEqual({ dim_design: { extra: 1 } });
    expect(examples(report)).toEqual([{ kind: 'extra', table: 'dim_design', key: String(key) }]);
  });

  it('finds a row that is there twice', async () => {
    const report = await verifyAfter({
      warehouse: `
        insert into dim_currency select * from dim_currency where currency_id = 2;
        insert into fact_sales_order (sales_order_id, created_date, created_time, last_updated_date,
            last_updated_time, sales_staff_id, counterparty_id, units_sold, unit_price, currency_id, design_id,
            agreed_payment_date, agreed_delivery_date, agreed_delivery_location_id)
          select sales_order_id, created_date, created_time, last_updated_date, last_updated_time,
                 sales_staff_id, counterparty_id, units_sold, unit_price, currency_id, design_id,
                 agreed_payment_date, agreed_delivery_date, agreed_delivery_location_id
            from fact_sales_order where last_updated_time = '14:20:52.186'`,
    });
    expect(differences(report)).toEqual({ dim_currency: { doubled: 1 }, fact_sales_order: { doubled: 1 } });
    expect(examples(report)).toEqual([
      { kind: 'doubled', table: 'dim_currency', key: '2' },
      {
        kind: 'doubled',
        table: 'fact_sales_order',
        key: '2',
        column: 'last_updated',
        found: '2024-02-28 14:20:52.186',
      },
    ]);
  });

  it('finds a reference to a dimension row that is not there, whichever version of the fact holds it', async () => {
    const report = await verifyAfter({
      warehouse: `update fact_sales_order set design_id = 99 where last_updated_time = '14:20:52.186'`,
    });
    expect(differences(report)).toEqual({ fact_sales_order: { dangling: 1 } });
    expect(examples(report)).toEqual([
      { kind: 'dangling', table: 'fact_sales_order', key: '2', column: 'design_id', found: '99' },
    ]);
  });

  it('finds a date that facts name and the calendar lacks', async () => {
    const report = await verifyAfter({ warehouse: `delete from dim_date where date_id = '2024-03-01'` });
    expect(differences(report)).toEqual({
      dim_date: { missing: 1 },
      fact_payment: { dangling: 1 },
      fact_purchase_order: { dangling: 2 },
      fact_sales_order: { dangling: 3 },
    });
    expect(examples(report)[0]).toEqual({ kind: 'missing', table: 'dim_date', key: '2024-03-01' });
  });

  it('checks the values of every day, those that no fact names too', async () => {
    const report = await verifyAfter({
      warehouse: `update dim_date set day_of_week = 0 where date_id = '2024-12-29';
                  update dim_date set month_name = 'Feb' where date_id = '2024-02-29'`,
    });
    expect(differences(report)).toEqual({ dim_date: { different: 2 } });
    expect(examples(report)).toEqual([
      {
        kind: 'different',
        table: 'dim_date',
        key: '2024-02-29',
        column: 'month_name',
        expected: 'February',
        found: 'Feb',
      },
      {
        kind: 'different',
        table: 'dim_date',
        key: '2024-12-29',
        column: 'day_of_week',
        expected: '7',
        found: '0',
      },
    ]);
  });

  it('finds a department and an address that changed without their children', async () => {
    const report = await verifyAfter({
      source: `update department set location = 'York'; update address set phone = '' where address_id = 15`,
    });
    expect(differences(report)).toEqual({
      dim_counterparty: { different: 1 },
      dim_location: { different: 1 },
      dim_staff: { different: 1 },
    });
  });

  it('expects source rows that break the contract too', async () => {
    const report = await verifyAfter({
      source: `
        insert into sales_order select 11, design_id, staff_id, counterparty_id, units_sold, unit_price,
            currency_id, day, day, agreed_delivery_location_id, created_at, last_updated
          from sales_order, (values ('2024-02-30')) as bad (day) where sales_order_id = 10;
        insert into payment select 2, transaction_id, counterparty_id, payment_amount, currency_id,
            payment_type_id, paid, 'soon', 1, 1, created_at, last_updated from payment where payment_id = 1;
        insert into staff values (8, 'A', 'B', 999, 'a@b', now(), now())`,
    });
    expect(differences(report)).toEqual({
      dim_staff: { missing: 1 },
      fact_payment: { missing: 1 },
      fact_sales_order: { missing: 1 },
    });
    expect(examples(report).map(({ key }) => key)).toEqual(['8', '2', '11']);
  });

  it('gives five examples of a kind and counts all', async () => {
    const report = await verifyAfter({
      source: `insert into design select n, 'd', '/', 'f', now(), now() from generate_series(100, 12100) n`,
    });
    expect(differences(report)).toEqual({ dim_design: { missing: 12_001 } });
    expect(examples(report).map(({ key }) => key)).toEqual(['100', '101', '102', '103', '104']);
  });

  it('says of a warehouse table that is not there, or lacks a column, what it is', async () => {
    const report = await verifyAfter({
      warehouse: 'drop table dim_payment_type; alter table dim_staff drop location',
    });
    expect(differences(report)).toEqual({
      dim_payment_type: { missing: 1 },
      dim_staff: { missing: 1 },
      fact_payment: { dangling: 2 },
    });
    expect(report.tables.flatMap(({ problem }) => problem ?? [])).toEqual([
      'the warehouse has no table dim_payment_type',
      'the warehouse table dim_staff has no column location',
    ]);
  });

  it('names the source tables that are not there', async () => {
    await expect(verifyAfter({ source: 'drop table payment, address' })).rejects.toThrow(
      'the source has no table address, payment',
    );
  });

  it('names the table that it may not read', async () => {
    const report = verifyAfter({ warehouse: 'alter table fact_payment alter last_updated_time type text' });
    await expect(report).rejects.toThrow(/^fact_payment cannot be compared: /);
  });
});
