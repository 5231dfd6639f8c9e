import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { RowRandom } from '../../cli/embedded/sample/random.ts';
import { loadInitially } from './crash-scenario.ts';
import { expectExact, expectNothingLeft, expectTrueHistory, remember } from './helpers/expectations.ts';
import { Schedule } from './helpers/schedule.ts';
import { World } from './helpers/world.ts';

const isLong = process.env.RELIABILITY === 'long';
const actions = 500;
const minutes = 60_000;

describe('messages that come twice, late, in any order, to several workers, and while they are worked on', () => {
  let world: World;
  let late: pg.Client;

  beforeAll(async () => {
    world = await World.start();
    late = await world.connectToSource();
  });
  afterAll(async () => {
    await late.end();
    await world.stop();
  });

  const runSeed = async (seed: number): Promise<void> => {
    await world.reset();
    const random = new RowRandom(seed, 'schedule').at(0);
    const schedule = new Schedule(world, late, random);
    // Most begin with a full warehouse, where there is more to get wrong.
    if (!random.oneIn(5)) await loadInitially(world, () => 'go on', schedule.history);
    else await remember(schedule.history, world.source);
    await schedule.run(actions);
    await schedule.finish();
    await expectExact(world);
    await expectTrueHistory(world, schedule.history);
    await expectNothingLeft(world);
  };

  it(
    'change nothing in the warehouse',
    async () => {
      const failures: string[] = [];
      const seeds = chooseSeeds();
      for (const seed of seeds) {
        try {
          await runSeed(seed);
        } catch (error) {
          failures.push(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      tell(`schedules: ${seeds.length - failures.length} of ${seeds.length} seeds passed`);
      expect(failures).toEqual([]);
    },
    120 * minutes,
  );
});

/** 1 to 25, in the long form to 500; SEED=17 is that one alone. */
function chooseSeeds(): number[] {
  const alone = process.env.SEED;
  if (alone !== undefined) return [Number(alone)];
  return Array.from({ length: isLong ? 500 : 25 }, (_, index) => index + 1);
}

/** On stderr at once, where Jest would add its own frame. */
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
