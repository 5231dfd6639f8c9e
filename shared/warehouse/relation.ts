import { quoteIdentifier, quoteLiteral, quoteQualified } from '../postgres/identifier.ts';

/** A table of the warehouse's database, as it should be. */
export interface Relation {
  schema: string;
  name: string;
  columns: readonly RelationColumn[];
  primaryKey?: readonly string[];
  /** Column lists that no two rows share. */
  uniques: readonly (readonly string[])[];
  references: readonly Reference[];
  /** Statements to run after the table is made. */
  afterwards?: readonly string[];
}

export interface RelationColumn {
  name: string;
  /** As SQL writes it. */
  type: string;
  nullable: boolean;
  /** What follows the type in the DDL, such as a default. */
  generated?: string;
  /** A table that an older version has made can be used without it, until its owner adds it. */
  isOptional?: true;
}

export interface Reference {
  column: string;
  table: string;
  key: string;
}

/** Whether Postgres checks foreign keys at every row, or they only document what belongs together. */
export type ForeignKeys = 'declared' | 'enforced';

export interface DdlOptions {
  foreignKeys: ForeignKeys;
  /** As `server_version_num`, such as 180004. */
  serverVersion: number;
}

/** The first version that knows `not enforced` on foreign keys. */
const notEnforcedSince = 180_000;

/** The statements that make the table; the tables that it references must exist. */
export function createStatements(relation: Relation, options: DdlOptions): string[] {
  const isComment = options.foreignKeys === 'declared' && options.serverVersion < notEnforcedSince;
  const lines = [
    ...relation.columns.map(formatColumn),
    ...(relation.primaryKey === undefined ? [] : [`primary key ${formatColumns(relation.primaryKey)}`]),
    ...relation.uniques.map((columns) => `unique ${formatColumns(columns)}`),
    ...(isComment
      ? []
      : relation.references.map((reference) => formatForeignKey(relation, reference, options.foreignKeys))),
  ];
  const create = `create table ${quoteQualified(relation.schema, relation.name)} (\n  ${lines.join(',\n  ')}\n)`;
  const comments = isComment
    ? relation.references.map((reference) => formatComment(relation, reference))
    : [];
  return [create, ...comments, ...(relation.afterwards ?? [])];
}

/** The same table without its primary key and unique keys. */
export const withoutKeys = ({ primaryKey: _, ...relation }: Relation): Relation => ({
  ...relation,
  uniques: [],
});

/** A key of a table, and the unique index that it is made from if the table exists already. */
export interface Key {
  /** The relation's own list. */
  columns: readonly string[];
  isPrimary: boolean;
  /** The constraint's name, as Postgres would choose it for a table of this name. */
  name: string;
  /**
   * The index's, until it becomes the table's key and takes the constraint's name. It holds the table's oid, not its
   * name: a table that was renamed keeps its indexes under their old names, and a new table of the old name may be
   * made.
   */
  index: string;
}

/** @param oid the table's in this database */
export function keysOf({ name, primaryKey, uniques }: Relation, oid: string): Key[] {
  const keyOf = (columns: readonly string[], suffix: string) => ({
    columns,
    isPrimary: columns === primaryKey,
    name: `${name}_${suffix}`,
    index: `starlift_${oid}_${suffix}`,
  });
  const primary = primaryKey === undefined ? [] : [keyOf(primaryKey, 'pkey')];
  return [...primary, ...uniques.map((columns, index) => keyOf(columns, `key${index || ''}`))];
}

/** How Postgres' own catalog writes the type. */
export function catalogType(type: string): string {
  return catalogTypes[type] ?? type;
}

const catalogTypes: Readonly<Record<string, string>> = {
  bigserial: 'bigint',
  int: 'integer',
  int8: 'bigint',
  'int8[]': 'bigint[]',
  time: 'time without time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  varchar: 'character varying',
};

function formatColumn({ name, type, nullable, generated }: RelationColumn): string {
  const rest = [nullable ? undefined : 'not null', generated].filter((part) => part !== undefined);
  return [quoteIdentifier(name), type, ...rest].join(' ');
}

const formatColumns = (columns: readonly string[]): string => `(${columns.map(quoteIdentifier).join(', ')})`;

const formatTarget = ({ schema }: Relation, { table, key }: Reference): string =>
  `${quoteQualified(schema, table)} (${quoteIdentifier(key)})`;

/** The constraint's clause, as it follows `add` or stands in `create table`. */
export function formatForeignKey(relation: Relation, reference: Reference, foreignKeys: ForeignKeys): string {
  const key = `foreign key (${quoteIdentifier(reference.column)}) references ${formatTarget(relation, reference)}`;
  return foreignKeys === 'declared' ? `${key} not enforced` : key;
}

function formatComment(relation: Relation, reference: Reference): string {
  const column = `${quoteQualified(relation.schema, relation.name)}.${quoteIdentifier(reference.column)}`;
  return `comment on column ${column} is ${quoteLiteral(`references ${formatTarget(relation, reference)}`)}`;
}
