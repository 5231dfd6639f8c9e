import { describe, expect, it } from '@jest/globals';
import { onceEvery } from '../../../cli/run/once-every.ts';

describe('work that is limited to once in a period', () => {
  const callEachSecond = (first: 'at once' | 'after a period', seconds: number) => {
    let second = 0;
    const worked: string[] = [];
    const call = onceEvery(10_000, (what: string) => worked.push(what), {
      first,
      now: () => second * 1000,
    });
    for (; second <= seconds; second++) call(`at ${second} s`);
    return worked;
  };

  it('is done at the first call and then once in each period, with what that call has given it', () => {
    expect(callEachSecond('at once', 25)).toEqual(['at 0 s', 'at 10 s', 'at 20 s']);
  });

  it('is done a period later for the first time where it is not due at once', () => {
    expect(callEachSecond('after a period', 25)).toEqual(['at 10 s', 'at 20 s']);
  });
});
