import { describe, expect, it } from '@jest/globals';
import { makeStandstill } from '../../../cli/site/stage/stage-site.ts';

const slicesOf = (...tables: string[]) => tables.map((table) => ({ run: 'r', slice: '0000', table }));

describe('a run of which nothing comes', () => {
  it('is told of after three minutes, and every three minutes more', () => {
    let minute = 0;
    const tell = makeStandstill(() => minute * 60_000);
    const told: Record<number, string | undefined> = {};
    for (; minute <= 7; minute++) told[minute] = tell(slicesOf('staff', 'payment', 'staff'));
    const sentence = 'nothing has arrived for 3 minutes; 3 slices of payment, staff still to come';
    expect(told).toEqual({ 3: sentence, 6: sentence });
  });

  it('is not one of which something comes now and then, or that is done', () => {
    let minute = 0;
    const tell = makeStandstill(() => minute * 60_000);
    const told = [];
    for (const left of [3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0]) {
      told.push(tell(slicesOf('a', 'b', 'c').slice(0, left)));
      minute++;
    }
    expect(told.every((each) => each === undefined)).toBe(true);
  });
});
