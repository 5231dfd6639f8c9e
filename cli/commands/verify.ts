import type pg from 'pg';
import { type Databases, withDatabases } from '../options/open-databases.ts';
import { printExtraRow, printReport, toJson } from '../verify/report.ts';
import { verifyWarehouse } from '../verify/verify-warehouse.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const deleted: DeletedRow[] = [];
    return withDatabases(values, async (databases) => {
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
