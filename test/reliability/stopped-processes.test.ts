import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RowRandom } from '../../models/totesys/sample/random.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
} from '../e2e/road.ts';
import { startWatch } from '../e2e/watch.ts';
import { isLong } from '../helpers/jest/long-form.ts';
import { chooseSeeds } from '../helpers/jest/seeds.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { canSampleProcesses, sampleProcesses } from '../helpers/processes/process-sample.ts';
import { seenRow } from '../helpers/seen.ts';

const minutes = 60_000;
const stops = isLong ? 12 : 3;
/** In the long form longer than a connection may be silent. */
const stoppedMs = isLong ? 30_000 : 1500;

const describeOnLinux = canSampleProcesses ? describe : describe.skip;

describeOnLinux('a watch whose processes are stopped (SIGSTOP) at random points', () => {
  let server: PostgresServer;
  let road: Road;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const source = await makeShop(server, 'shop', 50);
    road = { source, warehouse: await server.createDatabase('warehouse'), data: await makeDataFolder() };
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(road.data);
  });

  const change = (name: string) =>
    ask(
      road.source,
      `update sales_order set units_sold = units_sold + 1, last_updated = localtimestamp;
       update payment set paid = not paid, last_updated = localtimestamp where payment_id < 20;
       update staff set first_name = '${name}' where staff_id = 1`,
    );

  it.each(chooseSeeds('stopped processes', { short: 1, long: 3 }))(
    'goes on when they do, and is exact (SEED=%i)',
    async (seed) => {
      const random = new RowRandom(seed, 'stops').at(0);
      const watch = startWatch([...optionsOf(road), '--every', '0.2']);
      try {
        await seenRow(road.warehouse, 'select from dim_staff');
        for (let stop = 0; stop < stops; stop++) {
          const name = `seed ${seed} stop ${stop}`;
          await change(name);
          await delay(random.below(300));
          const [main = watch.pid, ...workers] = sampleProcesses(watch.pid).keys();
          const stopped = random.oneIn(3)
            ? [main, ...workers]
            : [[main, ...workers][random.below(workers.length + 1)] ?? main];
          for (const pid of stopped) process.kill(pid, 'SIGSTOP');
          await delay(stoppedMs);
          for (const pid of stopped) process.kill(pid, 'SIGCONT');
          await seenRow(road.warehouse, `select from dim_staff where first_name = '${name}'`);
        }
      } finally {
        await watch.end('SIGTERM');
      }
      await runClean(road);
      await assertExact(road);
      expect(await ask(road.warehouse, 'select count(*) from dim_staff')).not.toEqual([['0']]);
    },
    20 * minutes,
  );
});
