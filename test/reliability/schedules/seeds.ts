import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { RowRandom } from '../../../models/totesys/sample/random.ts';
import { takeShard, tell } from '../../helpers/jest/long-form.ts';
import { chooseSeeds } from '../../helpers/jest/seeds.ts';
import { loadInitially } from '../sweeps/crash-scenario.ts';
import { noteWhole } from '../world/censuses.ts';
import { expectExact, expectNothingLeft, expectTrueHistory, remember } from '../world/expectations.ts';
import { allHints, type Hints, hintsAlone, takeHints } from '../world/hints.ts';
import { World } from '../world/world.ts';
import { Schedule } from './schedule.ts';

const actions = 500;
const shortSeeds = 8;
const longSeeds = 500;

const minutes = 60_000;

/**
 * A test that runs the seeds from 1 on, many more and fresh ones in the long form: the odd or the even ones, that two of Jest's workers
 * share (SHARD=0/4: a fourth of them); SEED=17 is that one alone.
 */
export function describeSeeds(which: 'odd' | 'even'): void {
  describe(`messages that come twice, late, in any order, to several workers, while they are worked on (${which} seeds)`, () => {
    let world: World;
    /** A session of the source, whose transactions stay open for long. */
    let late: pg.Client;
    beforeAll(async () => {
      world = await World.start();
      late = await world.connectToSource();
    });
    afterAll(async () => {
      await late.end();
      await world.stop();
    });

    it(
      'change nothing in the warehouse',
      async () => {
        await runSeeds(world, late, takeSeeds(which));
      },
      120 * minutes,
    );
  });
}

async function runSeeds(world: World, late: pg.Client, seeds: readonly number[]): Promise<void> {
  const failures: string[] = [];
  for (const [index, seed] of seeds.entries()) {
    try {
      await runSeed(world, late, seed);
    } catch (error) {
      failures.push(
        `SEED=${seed} (hints: ${world.hints.name}): ${error instanceof Error ? error.message : String(error)}`,
      );
      tell(`schedules: SEED=${seed} failed`);
      // What a failed seed has left open would lock the next one out.
      await late.query('rollback');
    }
    if (index % 50 === 49) tell(`schedules: ${index + 1} of ${seeds.length}`);
  }
  tell(`schedules: ${seeds.length - failures.length} of ${seeds.length} seeds passed`);
  expect(failures).toEqual([]);
}

async function runSeed(world: World, late: pg.Client, seed: number): Promise<void> {
  await world.reset(hintsOf(seed));
  const random = new RowRandom(seed, 'schedule').at(0);
  const schedule = new Schedule(world, late, random);
  // Most begin with a full warehouse, where there is more to get wrong.
  if (!random.oneIn(5)) await loadInitially(world, () => 'go on', schedule.history);
  else await remember(schedule.history, world.source);
  await noteWhole(world);
  await schedule.run(actions);
  await schedule.finish();
  await expectExact(world);
  await expectTrueHistory(world, schedule.history);
  await expectNothingLeft(world);
}

/** Half of the seeds have all hints on, the others each alone. */
function hintsOf(seed: number): Hints {
  const [hints = allHints] = takeHints([
    seed % 4 < 2 ? allHints : (hintsAlone[Math.floor(seed / 4) % hintsAlone.length] ?? allHints),
  ]);
  return hints;
}

/** Both files draw seeds of their own, and each takes its half of as many as both are to do. */
function takeSeeds(which: 'odd' | 'even'): number[] {
  const seeds = chooseSeeds(`schedules (${which})`, { short: shortSeeds, long: longSeeds });
  const taken = seeds.filter((seed) => seed % 2 === (which === 'odd' ? 1 : 0));
  return process.env.SEED === undefined ? takeShard(taken) : taken;
}
