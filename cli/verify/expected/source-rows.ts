import type pg from 'pg';
import { unmatchedCondition } from '../../../services/ingestion/source/new-rows.ts';
import type {
  Dimension,
  Fact,
  Join,
  Model,
  SourceField,
  WarehouseColumn,
  WarehouseTable,
} from '../../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { maskedValue } from './masked-value.ts';

/** SQL that says whether a row of the source is newer than what has been loaded. */
export type IsLate = (rows: Pick<SourceRows, 'root' | 'aliases' | 'unmatched'>) => string;

/** Whether any of the rows is late. */
export type HasLate = (rows: SourceRows) => Promise<boolean>;

/** Within one snapshot of the source: each kind of rows is looked through once. */
export function makeHasLate(source: pg.Client, isLate: IsLate): HasLate {
  const known = new Map<string, Promise<boolean>>();
  return (rows) => {
    const condition = isLate(rows);
    if (condition === 'false') return Promise.resolve(false);
    const query = `select exists (select ${rows.from} where ${condition}) as found`;
    const asked =
      known.get(query) ??
      source.query<{ found: boolean }>(query).then(({ rows: [row] }) => row?.found === true);
    known.set(query, asked);
    return asked;
  };
}

/** Of a source table that names no schema. */
export const defaultSchema = 'public';

/** The rows of the source that a warehouse table is made of: those of its own table, with the rows joined to them. */
export interface SourceRows {
  /** The source table whose extract brings the rows. */
  root: string;
  /** Every source table that is read, the root first. */
  tables: readonly SourceRelation[];
  /** `from …`, with the joins. */
  from: string;
  /** Of the tables in it. */
  aliases: readonly string[];
  /** SQL conditions, one for each join: the row that it would join is named, and is not there. */
  unmatched: readonly string[];
  /** SQL for a field. */
  sqlOf(field: SourceField): string;
}

/** A source table by the name that it has everywhere, and as SQL names it. */
export interface SourceRelation {
  name: string;
  sql: string;
}

const rootAlias = 'source';

/** @param columns those of the table's columns that are asked for: only their joins are made */
export function makeSourceRows(
  { source, columns: all }: Dimension | Fact,
  columns: (Dimension | Fact)['columns'] = all,
): SourceRows {
  const fields = columns.map(({ from }) => source.fields.find(({ name }) => name === from.field));
  const paths = new Set(fields.flatMap((field) => pathsTo(field?.path, source.joins)));
  // Each after the one that it goes on from.
  const joins = source.joins.filter(({ path }) => paths.has(path));
  const aliasOf = (path: string | undefined) =>
    path === undefined ? rootAlias : `joined_${joins.findIndex((join) => join.path === path)}`;
  const lines = joins.map((join) => {
    const pairs = Object.entries(join.match).map(([near, far]) => {
      const collation = join.collate?.[near];
      const nearer = `${aliasOf(join.from)}.${quoteIdentifier(near)}`;
      const compared = collation === undefined ? nearer : `(${nearer} collate ${collation})`;
      return `${compared} = ${aliasOf(join.path)}.${quoteIdentifier(far)}`;
    });
    return `left join ${relationOf(join).sql} as ${aliasOf(join.path)} on ${pairs.join(' and ')}`;
  });
  const relations = [relationOf(source), ...joins.map(relationOf)];
  return {
    root: source.name,
    tables: relations.filter(
      ({ name }, index) => relations.findIndex((each) => each.name === name) === index,
    ),
    from: [`from ${relationOf(source).sql} as ${rootAlias}`, ...lines].join('\n'),
    aliases: [rootAlias, ...joins.map(({ path }) => aliasOf(path))],
    unmatched: joins.map((join) =>
      unmatchedCondition(join, { near: aliasOf(join.from), far: aliasOf(join.path) }),
    ),
    sqlOf: ({ path, column, type }) => {
      const value = `${aliasOf(path)}.${quoteIdentifier(column)}`;
      return type === 'masked' ? maskedValue(value) : value;
    },
  };
}

/** The source tables that the rows of a warehouse table are made of, the one that is extracted for it first. */
export function sourceTablesOf(table: WarehouseTable, model: Model): readonly SourceRelation[] {
  const tables =
    table.kind === 'calendar'
      ? referencing(table.name, model).flatMap((each) => makeSourceRows(each.table, [each.column]).tables)
      : makeSourceRows(table).tables;
  return tables.filter(({ name }, index) => tables.findIndex((each) => each.name === name) === index);
}

/** The columns that hold keys of a dimension, or days of the calendar. */
export const referencing = (
  name: string,
  { tables }: Model,
): { table: Dimension | Fact; column: WarehouseColumn }[] =>
  tables.flatMap((table) =>
    table.kind === 'calendar'
      ? []
      : table.columns.flatMap((column) => (column.references === name ? [{ table, column }] : [])),
  );

/** The joins that lead to one: itself, and those that it goes on from. */
function pathsTo(path: string | undefined, joins: readonly Join[]): string[] {
  if (path === undefined) return [];
  return [path, ...pathsTo(joins.find((join) => join.path === path)?.from, joins)];
}

const relationOf = ({ name, schema, table }: Pick<Join, 'name' | 'schema' | 'table'>): SourceRelation => ({
  name,
  sql: quoteQualified(schema ?? defaultSchema, table),
});
