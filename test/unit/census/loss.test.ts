import { describe, expect, it } from '@jest/globals';
import { describeLoss } from '../../../shared/census/loss.ts';

describe('a census', () => {
  it.each([
    [1000, 1001, false, undefined],
    [1000, 1001, true, undefined],
    [1001, 5005, true, undefined],
    [1001, 5004, true, '1001 of 5004 keys are gone'],
    [1001, 5004, false, '1001 of 5004 keys are gone'],
    [3000, 3000, false, 'all 3000 keys are gone'],
    [7, 7, true, 'all 7 keys are gone'],
    [7, 7, false, undefined],
    [1, 1, true, 'its only key is gone'],
    [0, 0, true, undefined],
  ])('that lacks %i of %i keys, of the whole table: %s, is held: %s', (lost, keys, isWhole, held) => {
    expect(describeLoss(lost, keys, { isWhole })).toBe(held);
  });

  it.each([
    [246, 508, 262, undefined],
    [100, 101, 1, '100 of 101 keys are gone'],
    [99, 101, 1, undefined],
    [0, 5, 5, undefined],
  ])('that lacks %i of %i keys, %i of them new, is held: %s', (lost, keys, newer, held) => {
    expect(describeLoss(lost, keys, { isWhole: true, newer })).toBe(held);
  });
});
