import { describe, expect, it } from '@jest/globals';
import { formatCount, formatRows } from '../../../cli/terminal/wording.ts';

describe('a count', () => {
  it('is written as English writes it', () => {
    const counts = [0, 7, 999, 1000, 12_345, 123_456, 1_234_567, 9_007_199_254_740_991, -1000];
    expect(counts.map(formatCount)).toEqual(counts.map((count) => count.toLocaleString('en')));
  });

  it('of rows says whether it is one', () => {
    expect([0, 1, 2000].map(formatRows)).toEqual(['0 rows', '1 row', '2,000 rows']);
  });
});
