import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { sweepPoints } from './helpers/crash-points.ts';
import { CrashedWorld } from './helpers/crashed-world.ts';

const minutes = 60_000;

describe('a crash at any call of the two runs after the first, before or after it took effect', () => {
  let world: CrashedWorld;
  beforeAll(async () => {
    world = await CrashedWorld.start();
  });
  afterAll(() => world.stop());

  it(
    'loses nothing and doubles nothing',
    async () => {
      await sweepPoints(await world.countIncrementally(), (point) => world.crashIncrementally(point));
    },
    120 * minutes,
  );
});
