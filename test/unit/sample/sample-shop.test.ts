import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { makePurchases, makeSales } from '../../../models/totesys/sample/orders.ts';
import { ordersByTime } from '../../../models/totesys/sample/payments.ts';
import { RowRandom } from '../../../models/totesys/sample/random.ts';
import { sampleSizes } from '../../../models/totesys/sample/sizes.ts';
import { sampleTables } from '../../../models/totesys/sample/tables.ts';
import { planChange, startTrading } from '../../../models/totesys/sample/trading.ts';
import { TerminalError } from '../../../shared/errors.ts';

function digests(orders: number, seed: number): Record<string, string> {
  const digest = (chunks: Iterable<Buffer>) => {
    const hash = createHash('sha256');
    for (const chunk of chunks) hash.update(chunk);
    return hash.digest('hex');
  };
  return Object.fromEntries(sampleTables(orders, seed).map((table) => [table.name, digest(table.chunks())]));
}

describe('the sample shop', () => {
  it('has the rows of a year of trade, and more facts with more orders', () => {
    expect(sampleSizes(5000)).toEqual({
      address: 30,
      counterparty: 20,
      currency: 3,
      department: 8,
      staff: 20,
      design: 250,
      payment_type: 4,
      purchase_order: 2200,
      sales_order: 5000,
      transaction: 7200,
      payment: 7200,
    });
    const million = { purchase_order: 440_000, transaction: 1_440_000, payment: 1_440_000, design: 250 };
    expect(sampleSizes(1_000_000)).toMatchObject(million);
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2e9])('refuses %p orders', (orders) => {
    expect(() => sampleSizes(orders)).toThrow(TerminalError);
  });

  it('is the same to the byte for the same seed, and another for another', () => {
    const one = digests(500, 9);
    expect(digests(500, 9)).toEqual(one);
    const other = digests(500, 10);
    const lookups = ['currency', 'department', 'payment_type'];
    for (const table of Object.keys(one))
      expect([table, one[table] === other[table]]).toEqual([table, lookups.includes(table)]);
  });

  it('has every order once, oldest first, when sales and purchases are put together', () => {
    const all = [...ordersByTime(makeSales(3, 300), makePurchases(3, 132), { sales: 300, purchases: 132 })];
    expect(new Set(all.map(({ type, id }) => `${type} ${id}`)).size).toBe(432);
    const times = all.map((order) => order.createdAt);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('works with no orders at all', () => {
    expect([...ordersByTime(makeSales(3, 0), makePurchases(3, 0), { sales: 0, purchases: 0 })]).toEqual([]);
  });
});

describe('a trading shop', () => {
  it('makes the same changes for the same seed, of every kind within a hundred', () => {
    const plan = () => {
      const random = new RowRandom(4, 'trading');
      return Array.from({ length: 100 }, (_, at) => planChange(random.at(at + 1)));
    };
    expect(plan()).toEqual(plan());
    const kinds = new Set(plan().map(({ sql, kept }) => `${kept} ${sql}`));
    expect(kinds.size).toBe(9);
  });

  it('refuses to make no changes a second', () => {
    expect(() => startTrading('postgres://nowhere', { changesPerSecond: 0 })).toThrow(TerminalError);
  });
});
