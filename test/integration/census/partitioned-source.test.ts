import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { PartitionedRoad } from './partitioned-road.ts';
import { step } from './partitioned-source.ts';

// A partition that is detached takes its rows along, and one that is attached brings rows that were written long before: no
// transaction of theirs is new.

jest.setTimeout(300_000);

let server: PostgresServer;
let road: PartitionedRoad | undefined;
beforeAll(async () => {
  server = await startTemporaryPostgres({ settings: { autovacuum: 'off' } });
});
afterAll(() => server.stop());
afterEach(() => road?.end());

it('a warehouse is exact whatever is detached and attached, deleted and put back between plans, in any order of deliveries', async () => {
  const histories = fc.array(step, { minLength: 6, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(histories, fc.infiniteStream(fc.nat()), async (steps, random) => {
      await road?.end();
      road = await PartitionedRoad.open(server, random);
      for (const each of steps) await road.take(each);
      await road.finish();
      await road.expectExact();
      await road.replayAll();
      await road.expectExact();
    }),
    { numRuns: Number(process.env.RUNS ?? 12) },
  );
});
