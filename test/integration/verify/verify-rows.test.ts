import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { differences, type ExactCopy, examples, makeExactCopy } from './exact-copy.ts';
import { cleanCounts } from './shop.ts';

describe('verify, of rows,', () => {
  let copy: ExactCopy;
  beforeAll(async () => {
    copy = await makeExactCopy();
  });
  afterAll(() => copy.stop());

  it('finds nothing in an exact copy, older versions and more days in it', async () => {
    const report = await copy.verifyAfter({});
    expect(report.ok).toBe(true);
    expect(report.tables).toEqual(cleanCounts.map((counts) => ({ ...counts, examples: [] })));
  });

  it('reads the warehouse tables of another schema', async () => {
    const report = await copy.verifyAfter(
      { warehouse: 'alter schema public rename to "my star"' },
      { schema: 'my star' },
    );
    expect(differences(report)).toEqual({});
    expect(report.ok).toBe(true);
  });

  it('finds a row that is not there', async () => {
    const report = await copy.verifyAfter({
      warehouse: 'delete from fact_sales_order where sales_order_id = 10',
    });
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
    const report = await copy.verifyAfter({
      warehouse: `delete from fact_sales_order where last_updated_time = '14:20:52.186001'`,
    });
    expect(differences(report)).toEqual({ fact_sales_order: { missing: 1 } });
    expect(examples(report)).toMatchObject([
      { key: '2', expected: '2024-02-28 14:20:52.186001', found: '2024-02-28 14:20:52.186' },
    ]);
  });

  it('finds rows whose key the source no longer has, in every version', async () => {
    const report = await copy.verifyAfter({ source: 'delete from sales_order where sales_order_id = 2' });
    expect(differences(report)).toEqual({ fact_sales_order: { extra: 2 } });
    expect(report.tables.at(-1)).toMatchObject({ expected: 1, found: 1 });
    expect(examples(report)).toMatchObject([
      { kind: 'extra', key: '2', found: '2024-02-28 14:20:52.186' },
      { kind: 'extra', key: '2', found: '2024-02-28 14:20:52.186001' },
    ]);
  });

  it.each([-7, 0, 3, 2_147_483_647])('finds an extra key %d wherever it sorts', async (key) => {
    const report = await copy.verifyAfter({
      warehouse: `insert into dim_design values (${key}, 'Other', '/', 'o.json')`,
    });
    expect(differences(report)).toEqual({ dim_design: { extra: 1 } });
    expect(examples(report)).toEqual([{ kind: 'extra', table: 'dim_design', key: String(key) }]);
  });

  it('finds a row that is there twice', async () => {
    const report = await copy.verifyAfter({
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

  it('gives five examples of a kind and counts all', async () => {
    const report = await copy.verifyAfter({
      source: `insert into design select n, 'd', '/', 'f', now(), now() from generate_series(100, 12100) n`,
    });
    expect(differences(report)).toEqual({ dim_design: { missing: 12_001 } });
    expect(examples(report).map(({ key }) => key)).toEqual(['100', '101', '102', '103', '104']);
  });
});
