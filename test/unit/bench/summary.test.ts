import { describe, expect, it } from '@jest/globals';
import { quantile, spreadOf } from '../../bench/measure/summary.ts';

describe('what the benchmark makes of its measurements', () => {
  it('has the middle one as the median, whatever their order', () => {
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  });

  it('has what lies between the two in the middle where they are even in number', () => {
    expect(spreadOf([1, 2, 4, 10]).median).toBe(3);
  });

  it('orders numbers as numbers', () => {
    expect(spreadOf([10, 9, 100]).median).toBe(10);
  });

  it('finds the 95th percentile of 0 to 100', () => {
    const values = Array.from({ length: 101 }, (_, index) => 100 - index);
    expect(quantile(values, 0.95)).toBeCloseTo(95, 10);
  });
});
