import { join } from 'node:path';
import { totesys } from '../../helpers/models/totesys.ts';
import { type Benchmark, compare, withFolder, withStages } from '../benchmark.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { ordersOfShop, shopDatabase } from '../setup/source-databases.ts';

/** Rows of the whole shop for each row of the benchmark. */
const size = 10;

export const benchmark: Benchmark = {
  name: 'plan',
  about: `a plan over eleven tables with ${size} times as many rows and nothing new, against count(*) by heap scans`,
  isLong: true,
  run: async (context) => {
    const rows = context.rows * size;
    const source = await shopDatabase(context.servers.source, ordersOfShop(rows));
    const counts = totesys.sources.map(({ name }) => `select count(*) from ${name}`).join('; ');
    return withFolder((folder) =>
      withStages(async (stages) => {
        const task = { stage: 'plan', source, folder: join(folder, 'state') };
        await stages.run(task);
        let slices = 0;
        const plan = {
          name: 'starlift plan',
          run: async () => {
            slices = await stages.run<number>(task);
          },
          check: async () => {
            if (slices !== 0) throw new Error(`the plan found ${slices} slices with something new`);
          },
        };
        const heapScan = {
          name: `${referenceName} count(*)`,
          run: () => runInShell(copyCommand(source, `set enable_indexonlyscan = off; ${counts}`)),
          check: async () => {},
        };
        return compare('plan', [plan, heapScan], context, { rows });
      }),
    );
  },
};
