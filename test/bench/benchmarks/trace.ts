import { join } from 'node:path';
import { starlift } from '../../helpers/processes/starlift.ts';
import { type Benchmark, compare, withFolder } from '../benchmark.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { runStarlift } from '../setup/starlift-run.ts';
import { freshDatabase } from '../setup/warehouses.ts';

export const benchmark: Benchmark = {
  name: 'trace',
  about: '`starlift trace` of one of the rows, as a process of its own, against psql asking both databases',
  isLong: true,
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    return withFolder(async (folder) => {
      const warehouse = await freshDatabase(servers.warehouse, 'traced');
      const data = join(folder, 'data');
      await runStarlift({ source, warehouse, data });
      let key = 0;
      let traced = '';
      const trace = {
        name: 'starlift trace',
        // Another row each time, from all over the table.
        prepare: async () => {
          key = 1 + Math.floor((key + rows * 0.37) % rows);
        },
        run: async () => {
          const databases = ['--source', source, '--warehouse', warehouse, '--data', data];
          const args = ['trace', 'fact_sales_order', String(key), ...databases, '--json'];
          // A busy machine may take more than the usual 3 s.
          const { stdout } = await starlift(args, { STATUS_WAIT_SECONDS: '30' });
          traced = stdout;
        },
        check: async () => assertTraced(traced, key),
      };
      const byPsql = {
        name: `${referenceName} select`,
        run: () =>
          runInShell(
            `${copyCommand(source, `select * from sales_order where sales_order_id = ${key}`)} && ` +
              copyCommand(warehouse, `select * from fact_sales_order where sales_order_id = ${key}`),
          ),
        check: async () => {},
      };
      return compare('trace', [trace, byPsql], context, { rows });
    });
  },
};

/** @throws the trace does not say that both ends have the row, or not where it came from */
function assertTraced(json: string, key: number): void {
  const { verdict, versions } = JSON.parse(json) as {
    verdict: { kind: string };
    versions: { object: { ingestedLine: { text: string } | null; processedLine: object | null } | null }[];
  };
  const { ingestedLine, processedLine } = versions[0]?.object ?? {};
  const isFound = ingestedLine?.text.includes(`"sales_order_id":${key},`) === true && processedLine != null;
  if (verdict.kind !== 'same' || versions.length !== 1 || !isFound)
    throw new Error(`row ${key} was not traced: ${json}`);
}
