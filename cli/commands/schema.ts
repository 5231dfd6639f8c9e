import { type Derivation, formatType } from '../../shared/model/define.ts';
import type { CalendarColumn, WarehouseColumn, WarehouseTable } from '../../shared/model/model.ts';
import {
  type CurrentView,
  currentViewStatements,
  currentViews,
} from '../../shared/warehouse/current/current-view.ts';
import { businessKey, warehouseDdl } from '../../shared/warehouse/warehouse-schema.ts';
import { readSettings } from '../configuration/settings.ts';
import { assembleProject, findDefinition } from '../project/load-model.ts';
import { toDot, toMermaid } from '../schema/draw-model.ts';
import { formatTable } from '../terminal/table.ts';
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
      for (const line of describeTable(table)) terminal.result(line);
      const view = views.find((each) => each.table === table.name);
      if (view !== undefined) terminal.result(`${view.name}: ${describeView(view)}`);
      terminal.result('');
    }
    return 0;
  },
};

/** One warehouse table for a reader, as lines: what it is made from, then its columns, types, keys and origins. */
export function describeTable(table: WarehouseTable): string[] {
  const rows = table.columns.map((column) => [
    column.name,
    `${formatType(column.type)}${column.nullable ? '' : ' not null'}`,
    formatKey(table, column),
    'from' in column ? formatOrigin(column.from) : 'the date',
  ]);
  if (table.kind === 'fact' && table.surrogateKey !== undefined)
    rows.unshift([table.surrogateKey, 'bigserial not null', 'primary key', 'numbered']);
  const columns = ['column', 'type', 'key', 'from'].map((name) => ({ name }));
  return [
    `${table.name}: ${formatSource(table)}`,
    ...formatTable(columns, rows).map((line) => line.trimEnd()),
  ];
}

function describeView({ key, versions }: CurrentView): string {
  const of = versions.length === 0 ? 'the rows' : `the version with the greatest ${versions.join(', ')}`;
  return `a view of ${of} of each ${key.join(', ')} that is not deleted`;
}

function formatSource(table: WarehouseTable): string {
  if (table.kind === 'calendar') return 'every date that a fact names, and the calendar years around them';
  const { source } = table;
  const joins = source.joins.map(({ path, name, from = source.name, match }) => {
    const conditions = Object.entries(match).map(([near, far]) => `${from}.${near} = ${path}.${far}`);
    return ` left join ${name}${path === name ? '' : ` as ${path}`} on ${conditions.join(' and ')}`;
  });
  const hasVersions = table.kind === 'fact' && table.versions.length > 0;
  const content = hasVersions ? 'every version that was captured' : 'the latest state';
  return `from ${source.name}${joins.join('')}; ${content}`;
}

function formatKey(table: WarehouseTable, column: WarehouseColumn | CalendarColumn): string {
  const keys = businessKey(table).includes(column.name)
    ? [table.kind === 'fact' ? 'business key' : 'primary key']
    : [];
  if ('references' in column && column.references !== undefined) keys.push(`-> ${column.references}`);
  return keys.join(', ');
}

function formatOrigin({ kind, field, lookup }: Derivation): string {
  switch (kind) {
    case 'field':
      return field;
    case 'date':
      return `${field}, a text`;
    case 'text':
      return `the text of ${field}`;
    case 'lookup':
      return `${field} looked up in ${lookup}`;
    default:
      return `the ${kind} ${field}`;
  }
}
