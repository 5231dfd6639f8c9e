import { describe, expect, it } from '@jest/globals';
import { RowRandom } from '../../../models/totesys/sample/random.ts';

const draws = (random: RowRandom, count: number, limit = 2 ** 32) =>
  Array.from({ length: count }, () => random.below(limit));

describe('a row random', () => {
  it('draws a row again whatever was drawn in between', () => {
    const random = new RowRandom(5, 'sales_order');
    const first = draws(random.at(17), 6);
    draws(random.at(18), 40);
    expect(draws(random.at(17), 6)).toEqual(first);
  });

  it('draws differently for another seed, stream and row', () => {
    const sequences = [
      draws(new RowRandom(5, 'sales_order').at(1), 4),
      draws(new RowRandom(6, 'sales_order').at(1), 4),
      draws(new RowRandom(5, 'payment').at(1), 4),
      draws(new RowRandom(5, 'sales_order').at(2), 4),
    ];
    expect(new Set(sequences.map(String)).size).toBe(4);
  });

  it('is even over rows and over draws, within its bounds', () => {
    const counts = new Array<number>(10).fill(0);
    const random = new RowRandom(1, 'even');
    for (let row = 0; row < 10_000; row++) {
      random.at(row);
      for (const value of [random.below(10), random.between(0, 9)]) counts[value] = (counts[value] ?? 0) + 1;
    }
    expect(counts).toHaveLength(10);
    // 2,000 expected of each; six standard deviations are 254.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(254);
  });
});
