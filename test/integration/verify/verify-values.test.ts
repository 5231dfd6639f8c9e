import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { differences, type ExactCopy, examples, makeExactCopy } from './exact-copy.ts';

describe('verify, of values,', () => {
  let copy: ExactCopy;
  beforeAll(async () => {
    copy = await makeExactCopy();
  });
  afterAll(() => copy.stop());

  it('finds a microsecond', async () => {
    const report = await copy.verifyAfter({
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
    const report = await copy.verifyAfter({
      warehouse: `update fact_sales_order set ${change} where sales_order_id = 10`,
    });
    expect(differences(report)).toEqual({ fact_sales_order: { different: 1 } });
    expect(examples(report)).toEqual([
      { kind: 'different', table: 'fact_sales_order', key: '10', column, expected, found },
    ]);
  });

  it('finds another scale of an equal number', async () => {
    const report = await copy.verifyAfter({
      warehouse: 'alter table fact_payment alter payment_amount type numeric(12,3)',
    });
    expect(differences(report)).toEqual({ fact_payment: { different: 2 } });
    expect(examples(report)).toMatchObject([
      { expected: '552548.62', found: '552548.620' },
      { expected: '0.60', found: '0.600' },
    ]);
  });

  it('takes a char(n) of the source without its padding', async () => {
    const padded = await copy.verifyAfter({
      source: `alter table address alter city type char(80);
               alter table currency alter currency_code type char(10);
               alter table payment alter payment_date type char(12)`,
    });
    expect(padded.ok).toBe(true);
    const report = await copy.verifyAfter({
      source: 'alter table address alter city type char(80)',
      warehouse: `update dim_location set city = city || ' ' where location_id = 1`,
    });
    expect(differences(report)).toEqual({ dim_location: { different: 1 } });
  });

  it('tells the empty text from null, both ways', async () => {
    const report = await copy.verifyAfter({
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
    const report = await copy.verifyAfter({
      source: `update sales_order set last_updated = 'infinity' where sales_order_id = 10`,
    });
    expect(examples(report)).toMatchObject([
      { kind: 'missing', table: 'fact_sales_order', key: '10', column: 'last_updated', expected: 'infinity' },
    ]);
  });

  it('checks the values of every day, those that no fact names too', async () => {
    const report = await copy.verifyAfter({
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
});
