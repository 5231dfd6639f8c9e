import { type BenchContext, type Benchmark, compare, type Result, withFolder } from '../benchmark.ts';
import { execute } from '../setup/servers.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase, referenceWarehouse } from '../setup/warehouses.ts';
import { type ChangingShop, peerSubjects, pipeSubject, starliftSubject } from './increment-subjects.ts';

/** One benchmark for each number of rows that change between two runs. */
export const increments: readonly Benchmark[] = [0, 1_000, 10_000].map((count) => ({
  name: `changed-${count}`,
  about: `${count} changed rows onto a warehouse that has all the others`,
  run: (context) => compareChanges(count, context),
}));

function compareChanges(count: number, context: BenchContext): Promise<Result[]> {
  const { rows, servers } = context;
  return withFolder(async (folder) => {
    await ordersDatabase(servers.source, rows);
    const source = await freshDatabase(servers.source, 'changing', `orders_${rows}`);
    const shop: ChangingShop = { source, rows, since: await newest(source), folder };
    const verified = await freshDatabase(servers.warehouse, 'whole');
    const subjects = [
      await starliftSubject(shop, verified),
      ...(await peerSubjects(shop, await freshDatabase(servers.warehouse, 'bare'), verified)),
      await pipeSubject(shop, await referenceWarehouse(servers.warehouse), verified),
    ];
    const nextRound = async () => {
      shop.since = await newest(source);
      if (count > 0) await change(shop, count);
    };
    return compare(`changed-${count}`, subjects, context, { rows: count, nextRound });
  });
}

/**
 * As if somebody had edited orders all over the table, in one transaction. Who reads the table next clears up after it:
 * Postgres frees the old versions of the rows, and writes each page that held one to its log. That is done here, or the
 * subject whose turn is first would do it for all the others (0.16 s for 10,000 rows).
 */
async function change({ source, rows }: ChangingShop, count: number): Promise<void> {
  const step = Math.max(1, Math.floor(rows / count));
  await execute(source, [
    `update sales_order set units_sold = units_sold + 1, last_updated = localtimestamp(3)
      where sales_order_id in (
        select sales_order_id
          from (select sales_order_id, row_number() over (order by sales_order_id) as number from sales_order)
            as numbered
         where number % ${step} = 0
         limit ${count})`,
    'select count(*) from sales_order',
  ]);
}

async function newest(source: string): Promise<string> {
  const sql = 'select max(last_updated)::text as newest from sales_order';
  const [row] = await execute<{ newest: string }>(source, [sql]);
  return row?.newest ?? '';
}
