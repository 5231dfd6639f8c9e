import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { warehouseDdl } from '../../shared/warehouse/warehouse-schema.ts';
import { readSettings } from '../configuration/settings.ts';
import { describeTable } from '../schema/describe-table.ts';
import type { CommandModule } from './command-module.ts';

// The oldest Postgres that a warehouse may be: its statements run on every newer one too.
const serverVersion = 130_000;

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    if (values.sql === true) {
      await readSettings({ values: {} });
      const schema = process.env.WAREHOUSE_SCHEMA || 'public';
      const foreignKeys = process.env.WAREHOUSE_FOREIGN_KEYS === 'enforced' ? 'enforced' : 'declared';
      for (const statement of warehouseDdl(starSchema, { schema, foreignKeys, serverVersion })) {
        terminal.result(`${statement};\n`);
      }
      return 0;
    }
    for (const table of starSchema.tables) {
      for (const line of describeTable(table)) terminal.result(line);
      terminal.result('');
    }
    return 0;
  },
};
