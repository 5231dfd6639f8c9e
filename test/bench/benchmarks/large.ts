import { type Benchmark, withFolder } from '../benchmark.ts';
import { keptCopies } from '../rightness/copies.ts';
import { keepCopies } from '../rightness/keep-copies.ts';
import { type Burst, startWriters } from '../rightness/shop-writers.ts';
import { type BenchServers, execute } from '../setup/servers.ts';
import { once, ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase } from '../setup/warehouses.ts';

/** Orders for each row of the benchmark: 20,000,000, unless --rows says otherwise. */
const size = 20;
const seed = 20_261_201;

export const benchmark: Benchmark = {
  name: 'large',
  about: `0, 100 and 10,000 changes in a table of ${size} times as many rows: what each has wrong in the end, and blocks that an increment read of the source`,
  isLong: true,
  run: async (context) => {
    const { servers, rows, reps } = context;
    return withFolder(async (folder) => {
      const orders = size * rows;
      await once(servers.source, `large_${orders}`, async (unfinished) => {
        await ordersDatabase(servers.source, 1000);
        await servers.source.createDatabase(unfinished, 'orders_1000');
        await execute(servers.source.url(unfinished), [...fillOrders(orders), 'vacuum (analyze)']);
      });
      const source = await freshDatabase(servers.source, 'written', `large_${orders}`);
      return withSummaries(servers.source, async () => {
        const copies = await keptCopies(servers, source, folder);
        const writers = await startWriters(source, seed);
        const phase = (changed: number) => ({ rows: changed, bursts: Array(reps).fill(burstOf(changed)) });
        const phases = [0, 100, 10_000].map(phase);
        return keepCopies(copies, source, context, { benchmark: 'large', phases, writers });
      });
    });
  },
};

/** Has the server summarize its log, as Postgres does from 17 on where it is told to: `--embedded` is an 18. */
async function withSummaries<T>(server: BenchServers['source'], work: () => Promise<T>): Promise<T> {
  const [row] = await execute<{ can: boolean }>(server.url(), [
    `select exists (select from pg_settings where name = 'summarize_wal') as can`,
  ]);
  if (row?.can !== true) return work();
  const set = (value: string) =>
    execute(server.url(), [`alter system set summarize_wal = ${value}`, 'select pg_reload_conf()']);
  await set('on');
  try {
    return await work();
  } finally {
    await set('off');
  }
}

const burstOf = (changed: number): Burst => ({
  inserted: Math.floor(0.45 * changed),
  updated: Math.floor(0.45 * changed),
  inPlace: Math.floor(0.05 * changed),
  deleted: Math.floor(0.05 * changed),
  bulk: 0,
});

/** Orders like the first one, a second apart. */
const fillOrders = (orders: number): string[] => [
  'create temporary table model as select * from sales_order order by sales_order_id limit 1',
  'truncate sales_order, transaction, payment',
  // All refer to what the first one does, and a check of each would take ten minutes.
  'set session_replication_role = replica',
  `insert into sales_order (sales_order_id, created_at, last_updated, staff_id, counterparty_id, units_sold, unit_price,
      currency_id, design_id, agreed_payment_date, agreed_delivery_date, agreed_delivery_location_id)
   select number, at, at, staff_id, counterparty_id, number % 1000, unit_price, currency_id, design_id, agreed_payment_date,
          agreed_delivery_date, agreed_delivery_location_id
     from model, generate_series(1, ${orders}) as number,
          lateral (select localtimestamp(3) - (${orders} - number) * interval '1 second' as at) as stamped`,
  'create index on sales_order (last_updated)',
];
