import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { RowRandom } from '../../../models/totesys/sample/random.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { chooseSeeds } from '../../helpers/jest/seeds.ts';
import { CrashedWorld } from '../world/crashed-world.ts';
import type { DeliveryOrder } from '../world/delivery.ts';
import { allHints, cheapHints, hintsAlone, takeHints } from '../world/hints.ts';
import { type CrashPoint, sweepPoints } from './crash-points.ts';

const minutes = 60_000;

/** One part of the scenario: what it calls when nothing crashes, and one run of it with a crash. */
interface Part {
  name: string;
  count(world: CrashedWorld): Promise<string[]>;
  crash(world: CrashedWorld, point: CrashPoint): Promise<string | undefined>;
}

/** In the long form, of those that are on alone. */
const pointsOfOneHint = 0.1;

/**
 * A test that crashes at the calls of one part of the scenario, one after the other, with a plan's hints on, and in the long
 * form with each alone, too.
 */
export function describeCrashSweep({ name, count, crash }: Part): void {
  for (const hints of takeHints(isLong ? [allHints, ...hintsAlone] : [cheapHints])) {
    describe(`a crash at any call of ${name}, before or after it took effect (hints: ${hints.name})`, () => {
      let world: CrashedWorld;
      beforeAll(async () => {
        world = await CrashedWorld.start(chooseOrder(name), hints);
      });
      afterAll(() => world.stop());

      it(
        'loses nothing and doubles nothing',
        async () => {
          const part = hintsAlone.includes(hints) ? pointsOfOneHint : 1;
          await sweepPoints(await countLeast(world, count), (point) => crash(world, point), part);
        },
        120 * minutes,
      );
    });
  }
}

/**
 * In the short form facts come before the dimensions that they need. In the long form a fresh seed shuffles the messages of
 * each look at a queue, the same way in every round, so that a point is the same call in all of them.
 */
function chooseOrder(name: string): () => DeliveryOrder {
  const [seed = 0] = isLong || process.env.SEED !== undefined ? chooseSeeds(name, { short: 1, long: 1 }) : [];
  if (seed === 0) return () => (messages) => messages.reverse();
  return () => {
    const random = new RowRandom(seed, 'order').at(0);
    return (messages) => {
      const left = [...messages];
      return messages.flatMap(() => left.splice(random.below(left.length), 1));
    };
  };
}

/** A run that has to ask for a flush of the log makes some calls more: a point is what every run comes to. */
async function countLeast(world: CrashedWorld, count: Part['count']): Promise<string[]> {
  const counts = [await count(world), await count(world), await count(world)];
  return counts.reduce((least, calls) => (calls.length < least.length ? calls : least));
}
