import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type pg from 'pg';
import { runSeeds } from './helpers/seeds.ts';
import { World } from './helpers/world.ts';

const minutes = 60_000;

describe('messages that come twice, late, in any order, to several workers, and while they are worked on (odd seeds)', () => {
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

  it(
    'change nothing in the warehouse',
    async () => {
      await runSeeds(world, late, (seed) => seed % 2 === 1);
    },
    120 * minutes,
  );
});
