import { randomInt } from 'node:crypto';
import { isLong, tell } from './long-form.ts';

/**
 * The seeds of a test: the same ones in the short form, so that nobody's change fails by chance; fresh ones in the long
 * form, of which the first is printed. SEED=17 is that one alone, and SEEDS_FROM=17 begins the long form there.
 *
 * @param what names the test in what is printed
 */
export function chooseSeeds(what: string, counts: { short: number; long: number }): number[] {
  const alone = process.env.SEED;
  if (alone !== undefined) return [Number(alone)];
  if (!isLong) return consecutive(1, counts.short);
  const first = Number(process.env.SEEDS_FROM ?? randomInt(1, 2 ** 31 - counts.long));
  tell(`${what}: ${counts.long} seeds, SEEDS_FROM=${first}`);
  return consecutive(first, counts.long);
}

const consecutive = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);
