import { TerminalError } from '../errors.ts';
import { parkedName } from '../ledger/schema/ledger-schema.ts';
import { formatType } from '../model/define.ts';
import { isHistory, validFromColumn, versionColumn } from '../model/history.ts';
import type { CalendarColumn, Fact, Model, WarehouseColumn, WarehouseTable } from '../model/model.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../postgres/identifier.ts';
import {
  createStatements,
  type DdlOptions,
  keysOf,
  type Reference,
  type Relation,
  type RelationColumn,
} from './relation.ts';

/** A row's lineage: the ledger's entry of the object that it came from. */
export const objectIdColumn = '_object_id';

/** Of a row whose key the source no longer has: the ledger's entry of the census that said so. Else null. */
export const deletedByColumn = '_deleted_by';

const versionColumns: RelationColumn[] = [
  { name: versionColumn, type: 'int8[]', nullable: false },
  { name: validFromColumn, type: 'timestamptz', nullable: false },
];

/** Only the tables' owner can add it where an older version has made them. */
const deletedBy: RelationColumn = { name: deletedByColumn, type: 'int8', nullable: true, isOptional: true };

export interface WarehouseDdlOptions extends DdlOptions {
  /** The schema that the star schema's tables are made in. */
  schema: string;
}

/** The statements that make the star schema's tables in an empty schema, from the model alone. */
export const warehouseDdl = (model: Model, options: WarehouseDdlOptions): string[] => [
  `create schema if not exists ${quoteIdentifier(options.schema)}`,
  ...warehouseRelations(model, options.schema).flatMap((relation) => createStatements(relation, options)),
];

/** The warehouse's tables as the model wants them, each after those that it references. */
export function warehouseRelations(model: Model, schema: string): Relation[] {
  const order = { calendar: 0, dimension: 1, table: 1, fact: 2 };
  return model.tables
    .toSorted((a, b) => order[a.kind] - order[b.kind])
    .map((table) => relationOf(table, model, schema));
}

function relationOf(table: WarehouseTable, model: Model, schema: string): Relation {
  const common = { schema, name: table.name };
  if (table.kind === 'fact') {
    const { surrogateKey } = table;
    const fact = { ...common, references: referencesOf(table, model) };
    if (surrogateKey === undefined) {
      return { ...fact, columns: factColumns(table), primaryKey: businessKey(table), uniques: [] };
    }
    return {
      ...fact,
      columns: [{ name: surrogateKey, type: 'bigserial', nullable: false }, ...factColumns(table)],
      primaryKey: [surrogateKey],
      uniques: [businessKey(table)],
      afterwards: [cacheNumbers(schema, table.name, surrogateKey)],
    };
  }
  // The calendar's rows are made of dates, whether an object brings them or a fact that names them.
  const objectId: RelationColumn = {
    name: objectIdColumn,
    type: 'int8',
    nullable: table.kind === 'calendar',
  };
  return {
    ...common,
    columns: [
      ...table.columns.map(columnOf),
      ...(isHistory(table) ? versionColumns : []),
      objectId,
      ...(table.kind === 'calendar' ? [] : [deletedBy]),
    ],
    primaryKey: businessKey(table),
    uniques: [],
    references: [],
  };
}

/** As many as Postgres writes to its log at a time. */
const cachedNumbers = 32;

/**
 * Makes each connection draw a fact's surrogate keys by the dozen. If they were drawn one by one, two loads that COPY
 * into a fact would wait for each other at every row. Numbers that a connection does not use are skipped.
 */
function cacheNumbers(schema: string, name: string, surrogateKey: string): string {
  const table = quoteLiteral(quoteQualified(schema, name));
  const sequence = `pg_get_serial_sequence(${table}, ${quoteLiteral(surrogateKey)})`;
  return `do ${quoteLiteral(`begin execute format('alter sequence %s cache ${cachedNumbers}', ${sequence}); end`)}`;
}

/** A fact's columns without its surrogate key: those that its objects hold, the lineage, and the mark of a delete. */
export const factColumns = (fact: Fact): RelationColumn[] => [
  ...fact.columns.map(columnOf),
  { name: objectIdColumn, type: 'int8', nullable: false },
  deletedBy,
];

const columnOf = ({ name, type, nullable }: WarehouseColumn | CalendarColumn): RelationColumn => ({
  name,
  type: formatType(type),
  nullable,
});

/** Which columns of a fact hold the keys of which dimensions. */
export function referencesOf(fact: Fact, model: Model): Reference[] {
  return fact.columns.flatMap(({ name, references }) =>
    references === undefined
      ? []
      : model.table(references).key.map((key) => ({ column: name, table: references, key })),
  );
}

/** The columns that identify a table's rows: the key, and what tells the versions of a fact or of a history apart. */
export function businessKey(table: WarehouseTable): readonly string[] {
  if (table.kind === 'fact') return [...table.key, ...table.versions];
  return isHistory(table) ? [...table.key, versionColumn] : table.key;
}

/** Postgres cuts a longer name, and a search for the whole name finds nothing. */
export const maxNameBytes = 63;

/**
 * Asserts that Postgres keeps every name that the pipeline derives from a warehouse table's name. Sequences do not
 * count: Postgres names them, shortens the name so that it is unique, and finds them by their column.
 *
 * @throws {TerminalError} a name is too long; the message names the table, the name and its length
 */
export function assertNameLengths(model: Model): void {
  const relations = warehouseRelations(model, 'public');
  for (const { name: table, kind } of model.tables) {
    const made = relations.filter(({ name }) => name === table);
    const names = [
      ...made.flatMap(({ name, columns }) => [name, ...columns.map((column) => column.name)]),
      ...(kind === 'fact' ? [parkedName(table), ...made.flatMap(keyNames)] : []),
    ];
    for (const name of names) assertLength(table, name);
  }
}

/** The greatest that an oid can be. */
const longestOid = String(2 ** 32 - 1);

/** Of a fact: its keys are built by name when its initial load ends. */
const keyNames = (relation: Relation): string[] =>
  keysOf(relation, longestOid).flatMap(({ name, index }) => [name, index]);

function assertLength(table: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes <= maxNameBytes) return;
  const subject = name === table ? `the name ${name}` : `${table} needs the name ${name}, which`;
  const excess = bytes - maxNameBytes;
  throw new TerminalError(
    `${subject} has ${bytes} bytes, and Postgres keeps ${maxNameBytes}: ` +
      `use a name that is ${excess} ${excess === 1 ? 'byte' : 'bytes'} shorter`,
    { table },
  );
}
