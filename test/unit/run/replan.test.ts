import { expect, it } from '@jest/globals';
import { makeReplan } from '../../../cli/site/embedded/embedded-site.ts';

/** Looks every second at so many messages; the seconds at which to plan once more. */
function secondsOfPlans(counts: readonly number[]): number[] {
  let second = 0;
  const needsPlan = makeReplan(
    () => counts[second] ?? 0,
    () => second * 1000,
  );
  return counts.flatMap((_, index) => {
    second = index;
    return needsPlan() ? [index] : [];
  });
}

it('a run whose messages come and go is not planned again', () => {
  expect(secondsOfPlans(Array.from({ length: 100 }, (_, second) => 100 - second))).toEqual([]);
});

it('one that stands still is, each time after twice as long', () => {
  expect(secondsOfPlans(Array.from({ length: 100 }, () => 11))).toEqual([5, 15, 35, 75]);
});

it('the quiet begins with the last message that came or went', () => {
  expect(secondsOfPlans([4, 3, 3, 2, 2, 2, 2, 2, 2])).toEqual([8]);
});
