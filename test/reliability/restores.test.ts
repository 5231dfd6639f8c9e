import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RowRandom } from '../../models/totesys/sample/random.ts';
import { tell } from '../helpers/jest/long-form.ts';
import { chooseSeeds } from '../helpers/jest/seeds.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { makeSharedShop, RestoredRoad, restoredParts } from './restores/restored-road.ts';

const minutes = 60_000;
const stepsOfASeed = 6;

describe('a data folder, a capture state and a warehouse that are set back to older backups at random points', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await makeSharedShop(server);
  });
  afterAll(() => server.stop());

  /** @returns what was done, in its order */
  async function runSeed(seed: number): Promise<string[]> {
    const random = new RowRandom(seed, 'restores').at(0);
    const road = await RestoredRoad.make(server);
    const steps: string[] = [];
    try {
      await road.run();
      for (const part of restoredParts) await road.backUp(part);
      for (let step = 0; step < stepsOfASeed; step++) {
        await road.change(random);
        // A generation may begin in between, which an older state does not know of.
        const part = restoredParts[random.below(restoredParts.length)] ?? 'warehouse';
        const action = (['run', 'back up', 'restore'] as const)[random.below(3)] ?? 'run';
        if (action === 'back up') await road.backUp(part);
        if (action === 'restore') await road.restore(part);
        steps.push(action === 'run' ? 'run' : `${action} the ${part}`);
        steps.push(await road.run());
      }
      // Nobody looks at every answer: a second run has to be enough, but for a census that is not due yet.
      const deadline = Date.now() + minutes;
      do steps.push(await road.run());
      while (steps.at(-1) === 'a census is pending' && Date.now() < deadline);
      if (steps.at(-1) !== 'exact') throw new Error(`in the end it is ${steps.at(-1)}`);
      return steps;
    } catch (error) {
      throw new Error(`${steps.join(', ')}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await road.end();
    }
  }

  it(
    'are never silently wrong, and exact in the end',
    async () => {
      const failures: string[] = [];
      let restores = 0;
      const seeds = chooseSeeds('restores', { short: 3, long: 50 });
      for (const seed of seeds) {
        try {
          restores += (await runSeed(seed)).filter((step) => step.startsWith('restore')).length;
        } catch (error) {
          failures.push(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      tell(
        `restores: ${seeds.length - failures.length} of ${seeds.length} seeds passed, ${restores} restores`,
      );
      expect(failures).toEqual([]);
      expect(restores).toBeGreaterThan(0);
    },
    90 * minutes,
  );
});
