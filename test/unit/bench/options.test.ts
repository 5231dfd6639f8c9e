import { describe, expect, it } from '@jest/globals';
import { parseOptions } from '../../bench/options.ts';

const names = ['ingest', 'load'];

describe("the benchmark's options", () => {
  it('are a million rows, five runs and all benchmarks when left out', () => {
    const options = { rows: 1_000_000, reps: 5, scale: 1, only: undefined, json: undefined, embedded: false };
    expect(parseOptions([], names)).toEqual(options);
  });

  it('take a scale of TPC-H below 1', () => {
    expect(parseOptions(['--scale', '0.01'], names).scale).toBe(0.01);
  });

  it('take several names', () => {
    expect(parseOptions(['--only', 'load,ingest'], names).only).toEqual(['load', 'ingest']);
  });

  it.each([
    [['--only', 'load,sort'], '--only sort is none of ingest, load'],
    [['--rows', '1e6'], '--rows 1e6 is not a whole number above 0'],
    [['--reps', '0'], '--reps 0 is not a whole number above 0'],
    [['--scale', '0'], '--scale 0 is not a number above 0, such as 0.1'],
    [['--scale', 'x'], '--scale x is not a number above 0, such as 0.1'],
  ])('%j are refused by name', (args, message) => {
    expect(() => parseOptions(args, names)).toThrow(message);
  });
});
