import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { formatProgress, showProgress } from '../../../cli/verify/progress.ts';
import { makeTableReport } from '../../../cli/verify/report.ts';

describe('the progress of a comparison', () => {
  it.each([
    [
      {
        table: 'fact_payment',
        rows: 120_000,
        tableRows: 200_000,
        done: 410_000,
        total: 1_000_000,
        seconds: 10,
      },
      [
        'fact_payment: 120,000 of about 200,000 rows',
        '41 % of all, 41,000 rows/s, 0:10 so far, about 0:14 more',
      ],
    ],
    [
      { table: 'fact_payment', rows: 0, tableRows: 200_000, done: 0, total: 1_000_000, seconds: 61 },
      ['fact_payment: 0 of about 200,000 rows', '1:01 so far'],
    ],
    [
      { table: 'dim_date', rows: 5, tableRows: undefined, done: 0, total: 0, seconds: 3_723 },
      ['dim_date: 5 rows', '1:02:03 so far'],
    ],
    [
      // More rows than were estimated.
      { table: 'dim_staff', rows: 30, tableRows: 20, done: 20, total: 20, seconds: 1 },
      ['dim_staff: 30 of about 30 rows', '99 % of all, 20 rows/s, 0:01 so far, about 0:00 more'],
    ],
  ])('of %j is %j', (facts, lines) => {
    expect(formatProgress(facts)).toEqual(lines);
  });

  describe('as time passes', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    /** Compares a table of 100 rows, of which 25 come in the first 12 seconds, and gives what was written by then. */
    function compareFor12Seconds(isInteractive: boolean) {
      const written: string[][] = [];
      const drawn: (readonly string[])[] = [];
      const progress = showProgress(
        {
          isInteractive,
          info: (line) => void written.push([line]),
          redraw: (lines) => void drawn.push(lines),
        },
        () => Date.now(),
      );
      const report = makeTableReport('fact_payment');
      progress.onSizes(new Map([['fact_payment', 100]]));
      progress.onStart(report);
      for (let second = 1; second <= 12; second += 1) {
        report.expected = Math.floor((second * 25) / 12);
        jest.advanceTimersByTime(1000);
      }
      const byThen = { written: [...written], drawn: [...drawn] };
      progress.stop();
      jest.advanceTimersByTime(60_000);
      expect(written.length).toBe(byThen.written.length);
      return byThen;
    }

    it('is a line every ten seconds where nobody watches', () => {
      const { written } = compareFor12Seconds(false);
      expect(written).toEqual([
        ['fact_payment: 20 of about 100 rows; 20 % of all, 2 rows/s, 0:10 so far, about 0:40 more'],
      ]);
    });

    it('is drawn over itself on a terminal, in lines that fit 80 columns', () => {
      const { written, drawn } = compareFor12Seconds(true);
      expect(written).toEqual([]);
      expect(drawn.length).toBeGreaterThan(12);
      expect(drawn.at(-1)).toEqual([
        '  fact_payment: 25 of about 100 rows',
        '  25 % of all, 2 rows/s, 0:12 so far, about 0:36 more',
      ]);
    });
  });
});
