import { type Benchmark, withFolder } from '../benchmark.ts';
import { keptCopies } from '../rightness/copies.ts';
import { keepCopies } from '../rightness/keep-copies.ts';
import { type Burst, startWriters } from '../rightness/shop-writers.ts';
import { execute } from '../setup/servers.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase } from '../setup/warehouses.ts';

/** Increments for each of the repetitions that count. */
const incrementsARep = 6;
const seed = 20_261_130;

export const benchmark: Benchmark = {
  name: 'wrong',
  about: `increments while the source is written to, ${incrementsARep} for each of --reps: what each has wrong in the end, and blocks that an increment read of the source`,
  isLong: true,
  run: async (context) => {
    const { servers, rows, reps } = context;
    return withFolder(async (folder) => {
      await ordersDatabase(servers.source, rows);
      const source = await freshDatabase(servers.source, 'written', `orders_${rows}`);
      await execute(source, ['create index on sales_order (last_updated)', 'vacuum (analyze) sales_order']);
      const copies = await keptCopies(servers, source, folder);
      const writers = await startWriters(source, seed);
      const usual: Burst = { inserted: 120, updated: 120, inPlace: 12, deleted: 12, bulk: 0 };
      const count = incrementsARep * reps;
      const bursts = Array.from({ length: count }, (_, index) => ({
        ...usual,
        bulk: index === Math.floor(count / 2) ? 5000 : 0,
      }));
      return keepCopies(copies, source, context, {
        benchmark: 'wrong',
        phases: [{ rows: 264, bursts }],
        writers,
      });
    });
  },
};
