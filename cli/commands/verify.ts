import { connect } from '../connect.ts';
import type { Databases } from '../databases.ts';
import type { CommandModule } from '../parse-command.ts';
import { printExtraRow, printReport, toJson } from '../verify/print-report.ts';
import { verifyWarehouse } from '../verify/verify-warehouse.ts';

export const command: CommandModule = {
  summary:
    'Compares source and warehouse row by row, by SQL of its own. Exit 1 on any difference; --deleted lists every row whose key the source no longer has.',
  usage: 'starlift verify [--source URL] [--warehouse URL] [--data DIR] [--deleted] [--json]',
  options: {
    source: { type: 'string' },
    warehouse: { type: 'string' },
    data: { type: 'string', default: '.starlift' },
    deleted: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  run: async (values, _positionals, terminal) => {
    const { source, warehouse, data } = values as Record<string, string | undefined>;
    const databases = await findDatabases(source, warehouse, data);
    const deleted: DeletedRow[] = [];
    try {
      const report = await withClients(databases, (clients) =>
        verifyWarehouse({
          ...clients,
          warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
          onExtra: (table, key, version) => {
            if (values.deleted !== true) return;
            if (terminal.json) deleted.push({ table, key, ...(version !== '' && { last_updated: version }) });
            else printExtraRow(table, key, version, terminal);
          },
        }),
      );
      printReport(report, terminal);
      if (terminal.json) {
        terminal.result(JSON.stringify({ ...toJson(report), ...(values.deleted === true && { deleted }) }));
      }
      return report.ok ? 0 : 1;
    } finally {
      await databases.release();
    }
  },
};

interface DeletedRow {
  table: string;
  key: string;
  last_updated?: string;
}

/** With both URLs nothing is started, and the embedded stack is not even read. */
async function findDatabases(
  source: string | undefined,
  warehouse: string | undefined,
  data: string | undefined,
): Promise<Databases> {
  if (source !== undefined && warehouse !== undefined) {
    return { sourceUrl: source, warehouseUrl: warehouse, release: async () => {} };
  }
  const { openDatabases } = await import('../embedded/open-databases.ts');
  return openDatabases({ source, warehouse, data });
}

async function withClients<T>(
  { sourceUrl, warehouseUrl }: Databases,
  work: (clients: Record<'source' | 'warehouse', Awaited<ReturnType<typeof connect>>>) => Promise<T>,
): Promise<T> {
  const source = await connect(sourceUrl, 'source');
  try {
    const warehouse = await connect(warehouseUrl, 'warehouse');
    try {
      return await work({ source, warehouse });
    } finally {
      await warehouse.end();
    }
  } finally {
    await source.end();
  }
}
