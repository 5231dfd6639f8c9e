import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Benchmark, type Result, withFolder } from '../benchmark.ts';
import { measure } from '../measure/measure.ts';
import { quantile, spreadOf, summarise } from '../measure/summary.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { assertVerified, runStarlift, whileWatching } from '../setup/starlift-run.ts';
import { freshDatabase } from '../setup/warehouses.ts';

const everySeconds = 1;
const changes = 60;
const seenWithinMs = 30_000;
/** How often the warehouse is asked. */
const lookEveryMs = 5;

export const benchmark: Benchmark = {
  name: 'watch',
  about: `from a change's commit until the warehouse shows it, with \`--watch --every ${everySeconds}\``,
  run: ({ servers, rows }) =>
    withFolder(async (folder) => {
      await ordersDatabase(servers.source, rows);
      const source = await freshDatabase(servers.source, 'changing', `orders_${rows}`);
      const warehouse = await freshDatabase(servers.warehouse, 'whole');
      const target = { source, warehouse, data: join(folder, 'data') };
      await runStarlift(target);
      const latencies: number[] = [];
      const measurement = await measure(async () => {
        const work = () => changeAndWait(source, warehouse);
        latencies.push(...(await whileWatching(target, everySeconds, work)));
      }, servers.postmasters);
      await assertVerified(target);
      return [resultOf(latencies, measurement)];
    }),
};

/** @returns the seconds that each change took; the first of them, at which the watch begins, is left out */
async function changeAndWait(source: string, warehouse: string): Promise<number[]> {
  const [shop, fact] = [new pg.Client(source), new pg.Client(warehouse)];
  await Promise.all([shop.connect(), fact.connect()]);
  const latencies: number[] = [];
  for (let order = 0; order <= changes; order++) {
    // At any moment between two looks of the watch, and each as often as another.
    await delay((order / changes) * everySeconds * 1000);
    const id = await changeNewest(shop, order);
    const committed = performance.now();
    await waitUntilSeen(fact, id);
    if (order > 0) latencies.push((performance.now() - committed) / 1000);
  }
  await Promise.all([shop.end(), fact.end()]);
  return latencies;
}

/** Adds an order like the one before it. */
async function changeNewest(shop: pg.Client, offset: number): Promise<number> {
  const { rows } = await shop.query<{ id: number }>(
    `insert into sales_order
     select sales_order_id + 1 + $1, design_id, staff_id, counterparty_id, units_sold, unit_price, currency_id,
            agreed_delivery_date, agreed_payment_date, agreed_delivery_location_id, localtimestamp(3), localtimestamp(3)
       from sales_order order by sales_order_id desc limit 1
     returning sales_order_id as id`,
    [offset],
  );
  return rows[0]?.id ?? 0;
}

async function waitUntilSeen(fact: pg.Client, id: number): Promise<void> {
  const deadline = performance.now() + seenWithinMs;
  while (performance.now() < deadline) {
    const { rowCount } = await fact.query('select from fact_sales_order where sales_order_id = $1', [id]);
    if (rowCount === 1) return;
    await delay(lookEveryMs);
  }
  throw new Error(`sales order ${id} was not seen in the warehouse within ${seenWithinMs / 1000} s`);
}

function resultOf(latencies: readonly number[], measurement: Result['runs'][number]): Result {
  return {
    ...{ benchmark: 'watch', subject: 'starlift run --watch', isReference: false, rows: 1 },
    summary: { ...summarise([measurement]), seconds: spreadOf(latencies) },
    runs: [measurement],
    note: `p95 ${quantile(latencies, 0.95).toFixed(2)} s of ${latencies.length} changes`,
  };
}
