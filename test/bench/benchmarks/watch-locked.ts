import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Benchmark, type Result, withFolder } from '../benchmark.ts';
import { type Measurement, measure } from '../measure/measure.ts';
import { quantile, spreadOf, summarise } from '../measure/summary.ts';
import { shopDatabase } from '../setup/source-databases.ts';
import { assertVerified, type RunTarget, runStarlift, whileWatching } from '../setup/starlift-run.ts';
import { freshDatabase } from '../setup/warehouses.ts';

const everySeconds = 1;
const orders = 5000;
const lockedMs = 120_000;
const seenWithinMs = 130_000;
/** How often the warehouse is asked. */
const lookEveryMs = 5;

export const benchmark: Benchmark = {
  name: 'watch-locked',
  about: `from a change's commit until the warehouse shows it, with \`--watch --every ${everySeconds}\`, while another table is locked for 2 minutes`,
  isLong: true,
  run: async (context) => [
    await measureLocked('source', 'design', context),
    await measureLocked('warehouse', 'dim_design', context),
  ],
};

const measureLocked = (
  side: 'source' | 'warehouse',
  table: string,
  { servers }: Parameters<Benchmark['run']>[0],
): Promise<Result> =>
  withFolder(async (folder) => {
    await shopDatabase(servers.source, orders);
    const source = await freshDatabase(servers.source, 'changing', `shop_${orders}`);
    const warehouse = await freshDatabase(servers.warehouse, 'whole');
    const target = { source, warehouse, data: join(folder, 'data') };
    await runStarlift(target);
    const latencies: number[] = [];
    const measurement = await measure(async () => {
      const work = () => changeWhileLocked(target, side, table);
      latencies.push(...(await whileWatching(target, everySeconds, work)));
    }, servers.postmasters);
    await assertVerified(target);
    return resultOf(`${table} of the ${side} locked`, latencies, measurement);
  });

/** @returns the seconds that each change of staff took */
async function changeWhileLocked(
  { source, warehouse }: RunTarget,
  side: 'source' | 'warehouse',
  table: string,
): Promise<number[]> {
  const [shop, star, locker] = [
    new pg.Client(source),
    new pg.Client(warehouse),
    new pg.Client(side === 'source' ? source : warehouse),
  ];
  const clients = [shop, star, locker];
  await Promise.all(clients.map((client) => client.connect()));
  const change = async (name: string) => {
    await shop.query('update staff set first_name = $1 where staff_id = 1', [name]);
    const committed = performance.now();
    await waitUntilSeen(star, 'dim_staff', 'first_name', name);
    return (performance.now() - committed) / 1000;
  };
  await change('before the lock');
  await shop.query(`update design set design_name = 'before the lock' where design_id = 1`);
  await locker.query(`begin; lock table ${table} in access exclusive mode`);
  const latencies: number[] = [];
  const lockedAt = performance.now();
  for (let number = 0; performance.now() - lockedAt < lockedMs; number++) {
    // At any moment between two looks of the watch, and each as often as another.
    await delay(((number % 20) / 20) * everySeconds * 1000);
    // A locked table of the warehouse gets one more message that waits; one of the source cannot be changed.
    if (side === 'warehouse')
      await shop.query(`update design set design_name = $1 where design_id = 1`, [`locked ${number}`]);
    latencies.push(await change(`locked ${number}`));
  }
  await locker.query('rollback');
  const released = performance.now();
  const { rows } = await shop.query<{ name: string }>(
    'select design_name as name from design where design_id = 1',
  );
  await waitUntilSeen(star, 'dim_design', 'design_name', rows[0]?.name ?? '');
  process.stderr.write(
    `  ${table}: seen ${((performance.now() - released) / 1000).toFixed(2)} s after the release\n`,
  );
  await Promise.all(clients.map((client) => client.end()));
  return latencies;
}

async function waitUntilSeen(star: pg.Client, table: string, column: string, value: string): Promise<void> {
  const deadline = performance.now() + seenWithinMs;
  while (performance.now() < deadline) {
    const { rowCount } = await star.query(`select from ${table} where ${column} = $1`, [value]);
    if (rowCount === 1) return;
    await delay(lookEveryMs);
  }
  throw new Error(`${column} ${value} was not seen in ${table} within ${seenWithinMs / 1000} s`);
}

function resultOf(subject: string, latencies: readonly number[], measurement: Measurement): Result {
  return {
    benchmark: 'watch-locked',
    subject,
    isReference: false,
    rows: 1,
    summary: { ...summarise([measurement]), seconds: spreadOf(latencies) },
    runs: [measurement],
    note: `p95 ${quantile(latencies, 0.95).toFixed(2)} s of ${latencies.length} changes, at most ${Math.max(...latencies).toFixed(2)} s`,
  };
}
