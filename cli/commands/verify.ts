import type pg from 'pg';
import { type Databases, withDatabases } from '../options/open-databases.ts';
import { stageOptions, textOption } from '../options/site-options.ts';
import { printExtraRow, printReport, toJson } from '../verify/report.ts';
import { verifyWarehouse } from '../verify/verify-warehouse.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  summary:
    'Compares source and warehouse row by row, by SQL of its own. Exit 1 on any difference; --deleted lists every row whose key the source no longer has.',
  usage:
    'starlift verify [--source URL] [--warehouse URL] [--data DIR | --stage NAME [--region R]] [--deleted] [--json]',
  options: {
    ...stageOptions,
    source: { type: 'string' },
    warehouse: { type: 'string' },
    data: { type: 'string' },
    deleted: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  run: async (values, _positionals, terminal) => {
    const urls = { source: textOption(values.source), warehouse: textOption(values.warehouse) };
    const deleted: DeletedRow[] = [];
    return withDatabases(values, urls, async (databases) => {
      const report = await withClients(databases, (clients) =>
        verifyWarehouse({
          ...clients,
          warehouseSchema: databases.warehouseSchema,
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
    });
  },
};

interface DeletedRow {
  table: string;
  key: string;
  last_updated?: string;
}

async function withClients<T>(
  databases: Databases,
  work: (clients: Record<'source' | 'warehouse', pg.Client>) => Promise<T>,
): Promise<T> {
  const source = await databases.connectSource();
  try {
    const warehouse = await databases.connectWarehouse();
    try {
      return await work({ source, warehouse });
    } finally {
      await warehouse.end();
    }
  } finally {
    await source.end();
  }
}
