import { join } from 'node:path';
import { type Benchmark, compare, withFolder } from '../benchmark.ts';
import type { Subject } from '../measure/alternate.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { copyFactIn, copyFactOut } from '../reference/fact-sql.ts';
import { assertSums, type SalesSums, sumsOfFact, sumsOfSource } from '../sales-sums.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import type { BenchServers } from '../setup/servers.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { assertVerified, runStarlift } from '../setup/starlift-run.ts';
import { freshDatabase, referenceWarehouse } from '../setup/warehouses.ts';

export const benchmark: Benchmark = {
  name: 'whole',
  about: '`starlift run` from an empty warehouse and an empty folder, against a pipe of COPY binary',
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    const expected = await sumsOfSource(source);
    return withFolder((folder) => {
      const subjects = [
        wholeRun(servers, source, join(folder, 'data'), expected),
        binaryPipe(servers, source, expected),
      ];
      return compare('whole', subjects, context, { rows });
    });
  },
};

/** The product from nothing to all rows; verified each time. */
export function wholeRun(
  { warehouse }: BenchServers,
  source: string,
  data: string,
  expected: SalesSums,
): Subject {
  const target = { source, warehouse: warehouse.url('whole'), data };
  return {
    name: 'starlift run',
    prepare: async () => {
      await emptyFolder(data);
      await freshDatabase(warehouse, 'whole');
    },
    run: () => runStarlift(target),
    check: async () => {
      assertSums(await sumsOfFact(target.warehouse), expected);
      await assertVerified(target);
    },
  };
}

/** The raw limit: no files, no transform worth the name, no ledger. */
function binaryPipe({ warehouse }: BenchServers, source: string, expected: SalesSums): Subject {
  const target = warehouse.url('reference');
  return {
    name: `${referenceName} binary pipe`,
    prepare: async () => void (await referenceWarehouse(warehouse)),
    run: () => runInShell(`${copyCommand(source, copyFactOut())} | ${copyCommand(target, copyFactIn)}`),
    check: async () => assertSums(await sumsOfFact(target), expected),
  };
}
