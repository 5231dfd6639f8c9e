import type { DimensionDefinition, FactDefinition, ModelDefinition, TableDefinition } from './define.ts';

/** What has another name in a later model, as that one says by `was`. */
export interface Renames {
  /** Warehouse tables. */
  tables: readonly { from: string; to: string }[];
  /** Their columns; the table by its later name. */
  columns: readonly { table: string; from: string; to: string }[];
}

type FedDefinition = DimensionDefinition | FactDefinition;

/** Finds what the later model has renamed. A `was` that names nothing of the earlier one is done, and says nothing. */
export function findRenames(before: ModelDefinition, after: ModelDefinition): Renames {
  const [earlier, later] = [byName(before), byName(after)];
  const tables: { from: string; to: string }[] = [];
  const columns: { table: string; from: string; to: string }[] = [];
  for (const table of later.values()) {
    const { name, was } = table;
    const isRenamed = was !== undefined && !earlier.has(name) && earlier.has(was) && !later.has(was);
    if (isRenamed) tables.push({ from: was, to: name });
    const known = earlier.get(isRenamed ? was : name);
    if (known === undefined) continue;
    for (const [to, { was: from }] of Object.entries(table.columns)) {
      if (from === undefined || to in known.columns || !(from in known.columns)) continue;
      if (!(from in table.columns)) columns.push({ table: name, from, to });
    }
  }
  return { tables, columns };
}

/** The earlier model as if it had always had the later names. */
export function withRenames(before: ModelDefinition, { tables, columns }: Renames): ModelDefinition {
  if (tables.length === 0 && columns.length === 0) return before;
  const tableOf = (name: string) => tables.find(({ from }) => from === name)?.to ?? name;
  const renamed = (table: TableDefinition): TableDefinition => {
    if (!isFed(table)) return table;
    const name = tableOf(table.name);
    const ofTable = columns.filter((column) => column.table === name);
    const columnOf = (column: string) => ofTable.find(({ from }) => from === column)?.to ?? column;
    const entries = Object.entries(table.columns).map(([column, definition]) => {
      const { was: _, ...rest } = definition;
      const to = columnOf(column);
      const { references } = rest;
      const moved = references === undefined ? rest : { ...rest, references: tableOf(references) };
      return [to, to === column ? moved : { ...moved, was: column }];
    });
    const { was: _, ...rest } = table;
    const changed = {
      ...rest,
      name,
      key: table.key.map(columnOf),
      columns: Object.fromEntries(entries),
      ...(name !== table.name && { was: table.name }),
    };
    return changed.kind === 'fact' ? { ...changed, versions: changed.versions.map(columnOf) } : changed;
  };
  return { ...before, tables: before.tables.map(renamed) };
}

/** The earlier model under the names of the later one. */
export const asNamedIn = (before: ModelDefinition, after: ModelDefinition): ModelDefinition =>
  withRenames(before, findRenames(before, after));

const isFed = (table: TableDefinition): table is FedDefinition =>
  table.kind !== 'calendar' && table.kind !== 'ingested only';

const byName = ({ tables }: ModelDefinition): Map<string, FedDefinition> =>
  new Map(tables.filter(isFed).map((table) => [table.name, table]));
