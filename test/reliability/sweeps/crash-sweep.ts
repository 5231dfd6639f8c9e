import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { CrashedWorld } from '../world/crashed-world.ts';
import { type CrashPoint, sweepPoints } from './crash-points.ts';

const minutes = 60_000;

/** One part of the scenario: what it calls when nothing crashes, and one run of it with a crash. */
interface Part {
  name: string;
  count(world: CrashedWorld): Promise<string[]>;
  crash(world: CrashedWorld, point: CrashPoint): Promise<string | undefined>;
}

/** A test that crashes at the calls of one part of the scenario, one after the other. */
export function describeCrashSweep({ name, count, crash }: Part): void {
  describe(`a crash at any call of ${name}, before or after it took effect`, () => {
    let world: CrashedWorld;
    beforeAll(async () => {
      world = await CrashedWorld.start();
    });
    afterAll(() => world.stop());

    it(
      'loses nothing and doubles nothing',
      async () => {
        await sweepPoints(await countLeast(world, count), (point) => crash(world, point));
      },
      120 * minutes,
    );
  });
}

/** A run that has to ask for a flush of the log makes some calls more: a point is what every run comes to. */
async function countLeast(world: CrashedWorld, count: Part['count']): Promise<string[]> {
  const counts = [await count(world), await count(world), await count(world)];
  return counts.reduce((least, calls) => (calls.length < least.length ? calls : least));
}
