import type { Measurement } from './measure.ts';

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export type Summary = Record<keyof Measurement, Spread>;

const measures = ['seconds', 'clientCpu', 'serverCpu', 'largestProcess', 'allProcesses'] as const;

export function summarise(measurements: readonly Measurement[]): Summary {
  const spreads = measures.map((name) => [name, spreadOf(measurements.map((each) => each[name]))] as const);
  return Object.fromEntries(spreads) as Summary;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: quantile(values, 0.5),
  min: Math.min(...values),
  max: Math.max(...values),
});

/**
 * @param values at least one
 * @param share 0.5 for the median
 * @returns between two values what lies between them
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? 0;
  return below + (above - below) * (at - Math.floor(at));
}
