import { join } from 'node:path';
import { totesys } from '../../helpers/models/totesys.ts';
import { type BenchContext, type Benchmark, compare, type Result, withFolder } from '../benchmark.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import { execute } from '../setup/servers.ts';
import { ordersOfShop, shopDatabase } from '../setup/source-databases.ts';
import { assertVerified, runStarlift } from '../setup/starlift-run.ts';
import { freshDatabase } from '../setup/warehouses.ts';

export const shop: Benchmark = {
  name: 'shop',
  about: '`starlift run` of the whole sample shop with so many sales orders: 4.32 rows for each of them',
  isLong: true,
  run: (context) => runShop('shop', context.rows, context),
};

/** In two, for each takes minutes: seconds a row and memory should be the same. */
export const growth: readonly Benchmark[] = [1, 10].map((times) => ({
  name: `growth-${times}`,
  about: `\`starlift run\` of a whole shop of ${times === 1 ? 'so many' : `${times} times as many`} rows in all`,
  isLong: true,
  run: (context) => runShop(`growth-${times}`, ordersOfShop(context.rows * times), context),
}));

async function runShop(benchmark: string, orders: number, context: BenchContext): Promise<Result[]> {
  const source = await shopDatabase(context.servers.source, orders);
  const rows = await countRows(source);
  const { warehouse } = context.servers;
  return withFolder(async (folder) => {
    const target = { source, warehouse: warehouse.url('whole'), data: join(folder, 'data') };
    const subject = {
      name: `starlift run, ${orders.toLocaleString('en')} orders`,
      prepare: async () => {
        await emptyFolder(target.data);
        await freshDatabase(warehouse, 'whole');
      },
      run: () => runStarlift(target),
      check: () => assertVerified(target),
    };
    const results = await compare(benchmark, [subject], context, { rows });
    return results.map((result) => ({ ...result, note: noteOf(result) }));
  });
}

const noteOf = ({ rows, summary }: Result): string =>
  `${Math.round(rows / summary.seconds.median).toLocaleString('en')} rows a second, ` +
  `${((summary.seconds.median / rows) * 1e6).toFixed(2)} us a row`;

async function countRows(url: string): Promise<number> {
  const counts = totesys.sources.map(({ name }) => `(select count(*) from ${name})`);
  const [row] = await execute<{ rows: string }>(url, [`select ${counts.join(' + ')} as rows`]);
  return Number(row?.rows);
}
