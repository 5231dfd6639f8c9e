import { parseArgs } from 'node:util';

export interface BenchOptions {
  rows: number;
  reps: number;
  /** Of TPC-H. */
  scale: number;
  /** Names; undefined for all that are not long. */
  only: string[] | undefined;
  json: string | undefined;
  /** The npm packages' Postgres even where another one is installed. */
  embedded: boolean;
}

export const usage =
  'npm run bench [-- --rows 1000000 --reps 5 --scale 1 --only NAME[,NAME…] --json FILE] [--embedded]';

/** @throws {Error} one line that names what is wrong */
export function parseOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '1000000' },
      reps: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      only: { type: 'string' },
      json: { type: 'string' },
      embedded: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown} is none of ${names.join(', ')}`);
  return {
    rows: parseWhole('--rows', values.rows),
    reps: parseWhole('--reps', values.reps),
    scale: parseScale(values.scale),
    only,
    json: values.json,
    embedded: values.embedded,
  };
}

function parseWhole(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${option} ${text} is not a whole number above 0`);
  return Number(text);
}

function parseScale(text: string): number {
  if (!/^\d{1,3}(\.\d{1,4})?$/.test(text) || Number(text) === 0)
    throw new Error(`--scale ${text} is not a number above 0, such as 0.1`);
  return Number(text);
}
