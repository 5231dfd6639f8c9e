import { join } from 'node:path';
import { type Benchmark, compare, withFolder, withStages } from '../benchmark.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { addForeignKeys, copyFactIn, copyFactOut, createFact } from '../reference/fact-sql.ts';
import { assertSums, sumsOfFact, sumsOfSource } from '../sales-sums.ts';
import { execute } from '../setup/servers.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase, warehouseTemplate } from '../setup/warehouses.ts';
import { wholeRun } from './whole.ts';

export const benchmark: Benchmark = {
  name: 'whole-keys',
  about: '`starlift run` with its default foreign keys, against the pipe into nine enforced ones',
  isLong: true,
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    const expected = await sumsOfSource(source);
    const target = servers.warehouse.url('reference');
    return withFolder(async (folder) => {
      const template = await withStages(async (stages) => {
        const [ingested, processed] = [join(folder, 'ingested'), join(folder, 'processed')];
        await stages.run({ stage: 'extract', source, folder: ingested });
        await stages.run({ stage: 'transform', from: ingested, folder: processed });
        return warehouseTemplate(servers.warehouse, stages, processed);
      });
      const pipe = {
        name: `${referenceName} binary pipe, 9 keys`,
        prepare: async () => {
          await freshDatabase(servers.warehouse, 'reference', template);
          await execute(target, ['drop table fact_sales_order cascade', createFact, ...addForeignKeys]);
        },
        run: () => runInShell(`${copyCommand(source, copyFactOut())} | ${copyCommand(target, copyFactIn)}`),
        check: async () => assertSums(await sumsOfFact(target), expected),
      };
      const subjects = [wholeRun(servers, source, join(folder, 'data'), expected), pipe];
      return compare('whole-keys', subjects, context, { rows });
    });
  },
};
