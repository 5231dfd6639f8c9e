import { createHash } from 'node:crypto';
import { TerminalError } from '../../../shared/errors.ts';
import type { Derivation, SourceName } from '../../../shared/model/define.ts';
import type { FedKey, SourceField, SourceTable } from '../../../shared/model/model.ts';
import { quoteSource, sourceNameOf } from '../../../shared/model/source-name.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import type { LockableTable } from '../../../shared/postgres/lock-holder.ts';
import { jsonKindOf, type TranscodeColumn } from '../transcode/columns.ts';
import { type Relation, selectRelations } from './relations.ts';
import type { Statements } from './statements.ts';
import { describeFittingTypes, extractedAs, isTypeFitting } from './type-families.ts';

export interface ExtractedColumn extends TranscodeColumn {
  /** The type that it is cast to before it is written. */
  cast: string | undefined;
}

/** A table of the model as the source has it now. */
export interface UsableTable {
  table: SourceTable;
  relation: Relation;
  /** All that an extract reads, by name. */
  relations: ReadonlyMap<string, Relation>;
  /** Changes with the oid, the partitions or the columns of the table or of one that is joined to it. */
  fingerprint: string;
  /** By their oids: the labels of the enums in the table and in those that are joined to it. */
  labels: Readonly<Record<string, string>>;
  /** The columns of its COPY. */
  columns: ExtractedColumn[];
  /** Columns that the model does not use. */
  unknownColumns: string[];
}

interface UnusableTable {
  table: SourceTable;
  isMissing: boolean;
  problem: string;
}

export type AssessedTable = UsableTable | UnusableTable;

/** Reads the tables' definitions from the source's catalog and compares them with the model. */
export async function assessTables(
  source: Statements,
  schema: string,
  tables: readonly SourceTable[],
): Promise<AssessedTable[]> {
  const wanted = new Map(
    tables.flatMap((table) => lockableTablesOf(table, schema)).map((relation) => [relation.name, relation]),
  );
  const relations = new Map(
    (await selectRelations(source, [...wanted.values()])).map((relation) => [relation.name, relation]),
  );
  return tables.map((table) => assessTable(table, schema, relations));
}

/** @throws {TerminalError} the table cannot be extracted */
export async function assessUsableTable(
  source: Statements,
  schema: string,
  table: SourceTable,
): Promise<UsableTable> {
  const [assessed] = await assessTables(source, schema, [table]);
  if (assessed === undefined || 'problem' in assessed) {
    throw new TerminalError(assessed?.problem ?? `${table.name} was not looked up`, { table: table.name });
  }
  return assessed;
}

/** The tables that an extract reads: its own, and those joined to it, each once. */
export const lockableTablesOf = (table: SourceTable, defaultSchema: string): LockableTable[] =>
  relationNamesOf(table).map((name) => ({
    schema: name.schema ?? defaultSchema,
    table: name.table,
    name: sourceNameOf(name),
  }));

/** The same tables as the model names them. */
export function relationNamesOf(table: SourceTable): SourceName[] {
  const all = [table, ...table.joins].map((name): [string, SourceName] => [sourceNameOf(name), name]);
  return [...new Map(all).values()];
}

function assessTable(
  table: SourceTable,
  schema: string,
  relations: ReadonlyMap<string, Relation>,
): AssessedTable {
  const names = lockableTablesOf(table, schema);
  const problem =
    names
      .map(({ name, schema: own, table: bare }) =>
        findTableProblem(
          `${own}.${bare}`,
          relations.get(name),
          fieldsOf(table, name),
          joinKeysOf(table, name),
        ),
      )
      .find((found) => found !== undefined) ?? findKeyProblem(table, schema, relations);
  const relation = relations.get(table.name);
  if (problem !== undefined || relation === undefined) {
    return { table, isMissing: relation === undefined, problem: problem ?? `${table.name} is not there` };
  }
  const known = new Set(table.columns.map(({ name }) => name));
  return {
    table,
    relation,
    relations,
    fingerprint: fingerprintDefinitions(names.map(({ name }) => relations.get(name))),
    labels: Object.assign({}, ...names.map(({ name }) => relations.get(name)?.labels)),
    columns: table.fields.map((field) => transcodeColumn(field, relations.get(field.table))),
    unknownColumns: relation.columns
      .map(({ name }) => name)
      .filter((name) => !known.has(name) && !table.excluded.has(name)),
  };
}

const notTables: Record<string, string> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
};

/**
 * Why the rows of a relation cannot be read exactly, as one clause; undefined when they can.
 *
 * @param name for the sentence, `schema.table`
 * @param fields those that the model takes from it
 * @param keys the columns by which it is joined
 */
function findTableProblem(
  name: string,
  relation: Relation | undefined,
  fields: readonly SourceField[],
  keys: readonly string[],
): string | undefined {
  if (relation === undefined) return `the source has no table ${name}`;
  const other = [relation, ...relation.members].find(({ kind }) => kind in notTables);
  if (other !== undefined) {
    const which = other.oid === relation.oid ? name : `${other.name}, a part of ${name},`;
    return `${which} is ${notTables[other.kind]}: only a table knows which of its rows are new`;
  }
  if (!relation.mayBeRead) return `permission denied for table ${name}`;
  if (relation.hidesRows) return `row-level security hides rows of ${name} from this user`;
  return findColumnProblem(name, relation, fields, keys);
}

function findColumnProblem(
  name: string,
  { columns }: Relation,
  fields: readonly SourceField[],
  keys: readonly string[],
): string | undefined {
  const present = new Map(columns.map((column) => [column.name, column]));
  const missing = [...fields.map((field) => field.column), ...keys].find((column) => !present.has(column));
  if (missing !== undefined) return `${name} has no column ${missing}`;
  for (const field of fields) {
    const column = present.get(field.column);
    if (column !== undefined && !isTypeFitting(field.type, column)) {
      const found = `${name}.${field.column} is of type ${column.typeName}, which does not fit the model's ${field.type}`;
      return `${found}: ${describeFittingTypes(field.type, column)}`;
    }
  }
  return undefined;
}

/** The fields that an extract of the table takes from one of its tables. */
const fieldsOf = (table: SourceTable, name: string): SourceField[] =>
  table.fields.filter((field) => field.table === name);

/** The columns of one of its tables by which others are joined to it, or it to others. */
const joinKeysOf = (table: SourceTable, name: string): string[] =>
  table.joins.flatMap((join) => {
    const nearer = table.joins.find(({ path }) => path === join.from)?.name ?? table.name;
    return [
      ...(join.name === name ? Object.values(join.match) : []),
      ...(nearer === name ? Object.keys(join.match) : []),
    ];
  });

/**
 * Why several rows of an extract might share a key, as a clause that says what to run; undefined if the source rules it
 * out.
 *
 * A warehouse table keeps one row of each key, and which one is decided by the rows' versions alone. Rows that share a
 * key in the source may lie in different objects, and no load sees both: only the source can guarantee its keys.
 *
 * @param relations every relation that the table's extract reads, by name
 */
function findKeyProblem(
  table: SourceTable,
  schema: string,
  relations: ReadonlyMap<string, Relation>,
): string | undefined {
  const own = table.fedKeys.map(
    (key) =>
      findDerivationProblem(table, key) ??
      findUniqueProblem(table, schema, relations.get(table.name), {
        columns: key.columns.map(({ from }) => from.field),
        mayBeNull: false,
        need: describeNeed(key),
      }),
  );
  const joined = table.joins.map((join) =>
    findUniqueProblem(join, schema, relations.get(join.name), {
      columns: Object.values(join.match),
      // A null joins no row.
      mayBeNull: true,
      need: `rows of ${table.name}, which are joined to it, would be extracted twice`,
    }),
  );
  return [...own, ...joined].find((problem) => problem !== undefined);
}

function findDerivationProblem(source: SourceTable, { table, columns }: FedKey): string | undefined {
  return columns
    .map(({ column, from }) => describeSharedKey(source, `${table}.${column}`, from))
    .find((problem) => problem !== undefined);
}

function describeSharedKey({ name, columns }: SourceTable, column: string, from: Derivation) {
  // A date has only one textual form, so two texts never become the same date; nor do two values have one text.
  const isOneToOne = from.kind === 'field' || from.kind === 'date' || from.kind === 'text';
  if (isOneToOne && columns.some((own) => own.name === from.field)) return undefined;
  const what = isOneToOne ? from.field : `the ${from.kind} ${from.field}`;
  return `${column} is made of ${what}, which several rows of ${name} may share: make the key from a column of ${name} that is unique`;
}

const describeNeed = ({ table, columns }: FedKey): string =>
  `${columns.map(({ from }) => from.field).join(', ')} ${columns.length === 1 ? 'is' : 'are'} the key of ${table}`;

interface WantedKey {
  columns: readonly string[];
  mayBeNull: boolean;
  need: string;
}

function findUniqueProblem(
  source: SourceName,
  defaultSchema: string,
  relation: Relation | undefined,
  { columns, mayBeNull, need }: WantedKey,
): string | undefined {
  if (relation === undefined) return undefined;
  const name = `${source.schema ?? defaultSchema}.${source.table}`;
  const list = columns.join(', ');
  const inheritor =
    relation.kind === 'p' ? undefined : relation.members.find(({ oid }) => oid !== relation.oid);
  if (inheritor !== undefined) {
    return `${inheritor.name} inherits from ${name}, and no unique index covers the rows of both; ${need}. Make ${name} a partitioned table with a unique index on ${list}`;
  }
  const unique = relation.uniqueKeys.filter((key) => key.every((column) => columns.includes(column)));
  const nullable = (key: readonly string[]) =>
    mayBeNull ? [] : relation.columns.filter((column) => key.includes(column.name) && !column.isNotNull);
  if (unique.some((key) => nullable(key).length === 0)) return undefined;
  const nulls = nullable(unique[0] ?? columns).map((column) => column.name);
  const quoted = quoteSource(source, defaultSchema);
  const wants = [
    ...nulls.map((column) => ({
      lacks: `${column} without nulls`,
      statement: `alter table ${quoted} alter column ${quoteIdentifier(column)} set not null`,
    })),
    ...(unique.length > 0 ? [] : [uniqueIndex(quoted, columns)]),
  ];
  const lacks = wants.map((want) => want.lacks).join(' and ');
  return `${name} must have ${lacks}, because ${need}. Run in the source: ${wants.map(({ statement }) => statement).join('; ')}`;
}

const uniqueIndex = (table: string, columns: readonly string[]) => ({
  lacks: `a valid unique index on ${columns.join(', ')} over all its rows`,
  statement: `create unique index on ${table} (${columns.map(quoteIdentifier).join(', ')})`,
});

function fingerprintDefinitions(relations: readonly (Relation | undefined)[]): string {
  const definitions = relations.map((relation) => [
    relation?.oid,
    relation?.members.map(({ oid }) => oid),
    relation?.columns.map(
      ({ number, name, typeOid, typeName, generatedAs, attributes }) =>
        // A column without attributes has the form that earlier versions gave it.
        [number, name, typeOid, typeName, generatedAs, ...(attributes === null ? [] : [attributes])] as const,
    ),
  ]);
  return createHash('sha256').update(JSON.stringify(definitions)).digest('hex');
}

function transcodeColumn(field: SourceField, relation: Relation | undefined): ExtractedColumn {
  const column = relation?.columns.find((each) => each.name === field.column);
  return {
    name: field.name,
    kind: jsonKindOf(field.type),
    cast: column && extractedAs(column),
  };
}

/** Of all tables and of those that are joined to them, each once. */
export const relationsOf = (tables: readonly AssessedTable[]): Relation[] => [
  ...new Set(tables.flatMap((assessed) => ('problem' in assessed ? [] : [...assessed.relations.values()]))),
];
