import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { showProgress } from '../../../cli/verify/progress.ts';
import { makeTableReport } from '../../../cli/verify/report.ts';

describe('the progress of a comparison', () => {
  describe('as time passes', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    /** Compares a table of 200 rows, and of one of 100 the 25 that come in 12 seconds: what was written by then. */
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
      progress.onSizes(
        new Map([
          ['dim_staff', 200],
          ['fact_payment', 100],
        ]),
      );
      progress.onStart(makeTableReport('dim_staff'));
      progress.onTable(makeTableReport('dim_staff'));
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
      expect(written).toEqual([['fact_payment: 220 of 300 rows (73 %), 22 rows/s, 10 s, about 4 s left']]);
    });

    it('is drawn over itself on a terminal, in lines that fit 80 columns', () => {
      const { written, drawn } = compareFor12Seconds(true);
      expect(written).toEqual([]);
      expect(drawn.length).toBeGreaterThan(12);
      expect(drawn.at(-1)).toEqual([
        '  fact_payment           25 of 100 (25 %)',
        '  225 of 300 rows (75 %), 19 rows/s, 12 s, about 4 s left',
      ]);
    });
  });
});
