import { join } from 'node:path';
import { type BenchContext, type Benchmark, compare, type Result, withFolder } from '../benchmark.ts';
import type { Subject } from '../measure/alternate.ts';
import { installPeers } from '../peers/install-peers.ts';
import { type CopyMode, dltCopy, findSling, peerTables, slingCopy } from '../peers/peer-commands.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { copyFactIn, copyFactOut } from '../reference/fact-sql.ts';
import { assertSums, sumsOfFact, sumsOfTable } from '../sales-sums.ts';
import { execute } from '../setup/servers.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { assertVerified, runStarlift } from '../setup/starlift-run.ts';
import { freshDatabase, referenceWarehouse } from '../setup/warehouses.ts';

const changes = [0, 1_000, 10_000];

export const benchmark: Benchmark = {
  name: 'increments',
  about: `what is new, ${changes.join(', ')} changed rows, onto a warehouse that has all the others`,
  run: (context) =>
    withFolder(async (folder) => {
      const { source: server, warehouse } = context.servers;
      await ordersDatabase(server, context.rows);
      const source = await freshDatabase(server, 'changing', `orders_${context.rows}`);
      const shop: ChangingShop = { source, rows: context.rows, since: await newest(source), folder };
      const verified = await freshDatabase(warehouse, 'whole');
      const subjects = [
        await starliftSubject(shop, verified),
        ...(await peerSubjects(shop, await freshDatabase(warehouse, 'bare'), verified)),
        await pipeSubject(shop, await referenceWarehouse(warehouse), verified),
      ];
      const results: Result[][] = [];
      for (const count of changes) results.push(await compareChanges(subjects, shop, count, context));
      return results.flat();
    }),
};

interface ChangingShop {
  source: string;
  /** Sales orders. */
  rows: number;
  /** The last_updated before the last change. */
  since: string;
  folder: string;
}

function compareChanges(
  subjects: readonly Subject[],
  shop: ChangingShop,
  count: number,
  context: BenchContext,
): Promise<Result[]> {
  const nextRound = async () => {
    shop.since = await newest(shop.source);
    if (count > 0) await change(shop, count);
  };
  const name = `${count.toLocaleString('en')} changed`;
  return compare(name, subjects, context, { rows: count, nextRound });
}

/** As if all over the table somebody had edited an order, in one transaction. */
async function change({ source, rows }: ChangingShop, count: number): Promise<void> {
  const step = Math.max(1, Math.floor(rows / count));
  await execute(source, [
    `update sales_order set units_sold = units_sold + 1, last_updated = localtimestamp(3)
      where sales_order_id in (
        select sales_order_id from (select sales_order_id, row_number() over (order by sales_order_id) as number
                                      from sales_order) as numbered
         where number % ${step} = 0 limit ${count})`,
  ]);
}

const newest = async (url: string): Promise<string> =>
  (await execute<{ newest: string }>(url, ['select max(last_updated)::text as newest from sales_order']))[0]
    ?.newest ?? '';

async function starliftSubject({ source, folder }: ChangingShop, warehouse: string): Promise<Subject> {
  const target = { source, warehouse, data: join(folder, 'data') };
  await runStarlift(target);
  return {
    name: 'starlift run',
    run: () => runStarlift(target),
    check: () => assertVerified(target),
  };
}

async function pipeSubject(shop: ChangingShop, target: string, verified: string): Promise<Subject> {
  const pipe = (where: string) =>
    runInShell(`${copyCommand(shop.source, copyFactOut(where))} | ${copyCommand(target, copyFactIn)}`);
  await pipe('true');
  return {
    name: `${referenceName} binary pipe`,
    run: () => pipe(`last_updated > '${shop.since}'`),
    check: async () => assertSums(await sumsOfFact(target), await sumsOfFact(verified)),
  };
}

/** They add each change to a bare copy, which so has the rows that the fact has. */
async function peerSubjects(shop: ChangingShop, target: string, verified: string): Promise<Subject[]> {
  const programs = await installPeers();
  if (programs === undefined) return [];
  const sling = findSling(programs);
  const folder = join(shop.folder, 'dlt');
  const databases = { source: shop.source, target };
  const copies = [
    ...(sling === undefined ? [] : [makeCopy('Sling', (mode) => slingCopy(sling, databases, mode))]),
    makeCopy('dlt', (mode) => dltCopy(programs, databases, folder, mode)),
  ];
  for (const { copy } of copies) await copy('new');
  return copies.map(({ name, table, copy }) => ({
    name: `${name}, bare copy`,
    run: () => copy('new'),
    check: async () => assertSums(await sumsOfTable(target, table), await sumsOfFact(verified)),
  }));
}

const makeCopy = (name: 'Sling' | 'dlt', copy: (mode: CopyMode) => Promise<void>) => ({
  ...{ name, copy },
  table: peerTables[name],
});
