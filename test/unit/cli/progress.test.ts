import { describe, expect, it } from '@jest/globals';
import { formatProgress, makeProgress } from '../../../cli/terminal/progress.ts';

describe('the progress of long work', () => {
  it('says rows of the total, percent, rate, elapsed time and about how long yet', () => {
    expect(formatProgress({ done: 450_000, total: 2_000_000 }, 12)).toBe(
      '450,000 of 2,000,000 rows (22 %), 37,500 rows/s, 12 s, about 41 s left',
    );
  });

  it('says no share and no time where nobody knows the total', () => {
    expect(formatProgress({ done: 450_000 }, 12)).toBe('450,000 rows, 37,500 rows/s, 12 s');
  });

  it('does not say 100 % before all of it is done', () => {
    expect(formatProgress({ done: 1999, total: 2000 }, 200)).toContain('(99 %)');
  });

  it('does not divide by nothing', () => {
    expect(formatProgress({ done: 0, total: 0 }, 0)).toBe('0 of 0 rows, 0 rows/s, 0 s');
  });

  function show(isInteractive: boolean, seconds: number) {
    let second = 0;
    const lines: string[] = [];
    const blocks: (readonly string[])[] = [];
    const show = makeProgress(
      { isInteractive, info: (line) => lines.push(line), redraw: (block) => blocks.push(block) },
      () => second * 1000,
    );
    for (; second <= seconds; second++)
      show([
        { name: 'fact_payment', done: second * 1000, total: 100_000 },
        { name: 'dim_date', done: 0 },
      ]);
    return { lines, blocks };
  }

  it('is one line every 10 s in a pipe, and none of work that is over before', () => {
    expect(show(false, 9).lines).toEqual([]);
    expect(show(false, 25).lines).toEqual([
      '10,000 of 100,000 rows (10 %), 1,000 rows/s, 10 s, about 90 s left',
      '20,000 of 100,000 rows (20 %), 1,000 rows/s, 20 s, about 80 s left',
    ]);
  });

  it('is a block on a terminal, with a line for each part, that fits 80 columns', () => {
    const { blocks, lines } = show(true, 20);
    expect(lines).toEqual([]);
    expect(blocks.at(-1)).toEqual([
      '  fact_payment       20,000 of 100,000 (20 %)',
      '  dim_date                0',
      '  20,000 of 100,000 rows (20 %), 1,000 rows/s, 20 s, about 80 s left',
    ]);
    const longest = formatProgress({ done: 123_456_789, total: 999_999_999 }, 5999);
    expect(longest.length).toBeLessThanOrEqual(78);
  });
});
