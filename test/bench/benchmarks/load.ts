import { join } from 'node:path';
import { type Benchmark, compare, withFolder, withStages } from '../benchmark.ts';
import { copyCommand, quoteForShell, referenceName, runInShell } from '../reference/copy-command.ts';
import { copyFactIn, copyFactOut } from '../reference/fact-sql.ts';
import { assertSums, sumsOfFact, sumsOfSource } from '../sales-sums.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase, referenceWarehouse, warehouseTemplate } from '../setup/warehouses.ts';

export const benchmark: Benchmark = {
  name: 'load',
  about: 'Parquet objects into fact_sales_order on one connection, against COPY binary of the same rows',
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    const expected = await sumsOfSource(source);
    return withFolder((folder) =>
      withStages(async (stages) => {
        const [ingested, processed, binary] = ['ingested', 'processed', 'rows'].map((name) =>
          join(folder, name),
        );
        await stages.run({ stage: 'extract', source, folder: ingested });
        await stages.run({ stage: 'transform', from: ingested, folder: processed });
        const template = await warehouseTemplate(servers.warehouse, stages, processed ?? '');
        const quoted = quoteForShell(binary ?? '');
        await runInShell(`${copyCommand(source, copyFactOut())} > ${quoted}`);
        const [own, reference] = [servers.warehouse.url('loaded'), servers.warehouse.url('reference')];
        const subjects = [
          {
            name: 'starlift',
            prepare: async () => void (await freshDatabase(servers.warehouse, 'loaded', template)),
            run: () => stages.run<void>({ stage: 'load', warehouse: own, folder: processed, only: 'facts' }),
            check: async () => assertSums(await sumsOfFact(own), expected),
          },
          {
            name: 'starlift, its client alone',
            run: async () => void (await stages.run({ stage: 'encode', folder: processed })),
            check: async () => {},
          },
          {
            name: `${referenceName} COPY binary`,
            prepare: async () => void (await referenceWarehouse(servers.warehouse)),
            run: () => runInShell(`${copyCommand(reference, copyFactIn)} < ${quoted}`),
            check: async () => assertSums(await sumsOfFact(reference), expected),
          },
        ];
        return compare('load', subjects, context, { rows });
      }),
    );
  },
};
