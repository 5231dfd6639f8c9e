import { createHash } from 'node:crypto';
import { TerminalError } from '../../shared/errors.ts';
import type { SourceField, SourceTable } from '../../shared/star-schema/assemble.ts';
import { findKeyProblem } from './key-problem.ts';
import type { Statements } from './sql/plan-statements.ts';
import { type Relation, selectRelations } from './sql/select-relations.ts';
import { findProblem } from './table-problem.ts';
import type { TranscodeColumn } from './transcode/column-layout.ts';
import { jsonKindOf } from './transcode/json-kind.ts';

/** A table of the model as the source has it now. */
export interface UsableTable {
  table: SourceTable;
  relation: Relation;
  /** Changes with the oid, the partitions or the columns of the table or of one that is joined to it. */
  fingerprint: string;
  /** The columns of its COPY. */
  columns: TranscodeColumn[];
  /** Columns that the model does not take. */
  unknownColumns: string[];
}

export interface UnusableTable {
  table: SourceTable;
  isMissing: boolean;
  problem: string;
}

export type AssessedTable = UsableTable | UnusableTable;

/** Looks the tables up in the source and holds them against the model. */
export async function assessTables(
  source: Statements,
  schema: string,
  tables: readonly SourceTable[],
): Promise<AssessedTable[]> {
  const names = tables.flatMap(namesOf);
  const relations = new Map(
    (await selectRelations(source, schema, [...new Set(names)])).map((relation) => [relation.name, relation]),
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

/** The tables that an extract reads: its own, and those joined to it. */
export const namesOf = (table: SourceTable): string[] => [
  table.name,
  ...table.joins.map((join) => join.table),
];

function assessTable(
  table: SourceTable,
  schema: string,
  relations: ReadonlyMap<string, Relation>,
): AssessedTable {
  const problem =
    namesOf(table)
      .map((name) =>
        findProblem(`${schema}.${name}`, relations.get(name), fieldsOf(table, name), keysOf(table, name)),
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
    fingerprint: fingerprintOf(namesOf(table).map((name) => relations.get(name))),
    columns: namesOf(table).flatMap((name) => transcodeColumns(table, name, relations.get(name))),
    unknownColumns: relation.columns.map(({ name }) => name).filter((name) => !known.has(name)),
  };
}

/** The fields that an extract of the table takes from one of its tables. `name` is the column's there. */
function fieldsOf(table: SourceTable, name: string): (SourceField & { key: string })[] {
  if (name === table.name) return table.columns.map((column) => ({ ...column, key: column.name }));
  const prefix = `${name}.`;
  return table.fields
    .filter((field) => field.name.startsWith(prefix))
    .map((field) => ({ ...field, key: field.name, name: field.name.slice(prefix.length) }));
}

/** The columns by which another table is joined. */
const keysOf = (table: SourceTable, name: string): string[] =>
  table.joins.filter((join) => join.table === name).flatMap((join) => Object.values(join.on));

function fingerprintOf(relations: readonly (Relation | undefined)[]): string {
  const definitions = relations.map((relation) => [
    relation?.oid,
    relation?.members.map(({ oid }) => oid),
    relation?.columns.map(
      ({ number, name, typeOid, typeName, generatedAs }) =>
        [number, name, typeOid, typeName, generatedAs] as const,
    ),
  ]);
  return createHash('sha256').update(JSON.stringify(definitions)).digest('hex');
}

function transcodeColumns(
  table: SourceTable,
  name: string,
  relation: Relation | undefined,
): TranscodeColumn[] {
  return fieldsOf(table, name).map((field) => {
    const typeOid = relation?.columns.find((column) => column.name === field.name)?.typeOid ?? 0;
    return { name: field.key, kind: jsonKindOf(typeOid) ?? 'string' };
  });
}
