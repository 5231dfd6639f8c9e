import type { Dimension, Fact, SourceField, SourceTable } from '../model/model.ts';

/**
 * The fields of a source table that a census has: those that the keys of its warehouse tables are made of, in the order of an
 * extract.
 */
export function censusFieldsOf({ columns, fedKeys }: SourceTable): readonly SourceField[] {
  const used = new Set(fedKeys.flatMap((key) => key.columns.map(({ from }) => from.field)));
  return columns.filter(({ name }) => used.has(name));
}

/** By their identity, because a scanner is made once for a table. */
const known = new WeakMap<Dimension | Fact, Dimension>();

/** The table that a census' rows are of: the key of a warehouse table, and nothing else of it. */
export function censusTableOf(table: Dimension | Fact): Dimension {
  const made = known.get(table) ?? makeCensusTable(table);
  known.set(table, made);
  return made;
}

function makeCensusTable({ name, key, deletes, columns, source }: Dimension | Fact): Dimension {
  const fields = censusFieldsOf(source);
  return {
    kind: 'table',
    name,
    key,
    deletes,
    source: { ...source, columns: fields, fields, joins: [] },
    columns: key.flatMap((wanted) =>
      columns.filter((column) => column.name === wanted).map(({ references: _, ...column }) => column),
    ),
  };
}
