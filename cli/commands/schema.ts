import { currentViewStatements, currentViews } from '../../shared/warehouse/current/current-view.ts';
import { warehouseDdl } from '../../shared/warehouse/warehouse-schema.ts';
import { readSettings } from '../configuration/settings.ts';
import { assembleProject, findDefinition } from '../project/load-model.ts';
import { describeView, formatDescribedTable } from '../schema/describe-table.ts';
import { toDot, toMermaid } from '../schema/draw-model.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

// The oldest Postgres that a warehouse may be: its statements run on every newer one too.
const serverVersion = 130_000;

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const model = assembleProject((await findDefinition(values)).definition);
    if (values.sql === true) {
      await readSettings({ values });
      const schema = process.env.WAREHOUSE_SCHEMA || 'public';
      const foreignKeys = process.env.WAREHOUSE_FOREIGN_KEYS === 'enforced' ? 'enforced' : 'declared';
      const tables = warehouseDdl(model, { schema, foreignKeys, serverVersion });
      const views = currentViews(model, schema).flatMap(currentViewStatements);
      for (const statement of [...tables, ...views]) terminal.result(`${statement};\n`);
      return 0;
    }
    const pictures = [values.mermaid === true && toMermaid, values.dot === true && toDot].filter(
      (draw) => draw !== false,
    );
    if (pictures.length > 0) {
      if (pictures.length > 1)
        throw new UsageError('--mermaid and --dot draw one picture each: pass one of them');
      for (const draw of pictures) terminal.result(draw(model));
      return 0;
    }
    const views = currentViews(model, 'public');
    for (const table of model.tables) {
      for (const line of formatDescribedTable(table)) terminal.result(line);
      const view = views.find((each) => each.table === table.name);
      if (view !== undefined) terminal.result(`${view.name}: ${describeView(view)}`);
      terminal.result('');
    }
    return 0;
  },
};
