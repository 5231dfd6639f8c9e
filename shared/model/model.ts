import { TerminalError } from '../errors.ts';
import { calendarTypes } from './calendar.ts';
import { describeMisfit, isColumnFitting } from './column-fit.ts';
import type {
  CalendarDefinition,
  ColumnDefinition,
  Derivation,
  DimensionDefinition,
  FactDefinition,
  JoinDefinition,
  SourceDefinition,
  SourceType,
  TableDefinition,
} from './define.ts';

/** One value of an extracted row, under its key in the JSON line. */
export interface SourceField {
  /** The key: the column's name, or `table.column` for a joined one. */
  name: string;
  /** The source table that has the column. */
  table: string;
  column: string;
  type: SourceType;
  nullable: boolean;
}

/** The key by which a source table's rows become rows of a warehouse table. */
export interface FedKey {
  /** The warehouse table. */
  table: string;
  column: string;
  from: Derivation;
}

export interface SourceTable {
  name: string;
  key: string;
  /** The table's own columns, in the order in which they are extracted. */
  columns: readonly SourceField[];
  joins: readonly JoinDefinition[];
  /** All fields of an extracted row: own columns first, then each join's. */
  fields: readonly SourceField[];
  /** The warehouse tables made from it; none for a table that ends in the ingested zone. */
  feeds: readonly string[];
  /** The key of each of them. */
  fedKeys: readonly FedKey[];
}

export interface WarehouseColumn extends ColumnDefinition {
  name: string;
  /** Of a column that is looked up: what each text becomes. */
  listed?: ReadonlyMap<string, string>;
}

export interface CalendarColumn {
  name: string;
  type: ColumnDefinition['type'];
  nullable: false;
}

export interface Dimension {
  kind: 'dimension';
  name: string;
  source: SourceTable;
  key: string;
  columns: readonly WarehouseColumn[];
}

export interface Fact {
  kind: 'fact';
  name: string;
  source: SourceTable;
  key: string;
  surrogateKey: string;
  columns: readonly WarehouseColumn[];
}

export interface Calendar {
  kind: 'calendar';
  name: string;
  key: string;
  columns: readonly CalendarColumn[];
}

export type WarehouseTable = Dimension | Fact | Calendar;

export interface Model {
  sources: readonly SourceTable[];
  tables: readonly WarehouseTable[];
  calendar: Calendar;
  /** @throws {TerminalError} the model has no such source table */
  source(name: string): SourceTable;
  /** @throws {TerminalError} the model has no such warehouse table */
  table(name: string): WarehouseTable;
}

/**
 * Joins the definitions into one model and checks that they fit together.
 *
 * @throws {TerminalError} a definition names a table or a column that no definition has, or makes a column of a field
 *   whose type it cannot be made of
 */
export function assembleModel(definitions: readonly TableDefinition[]): Model {
  const sources = resolveSources(definitions);
  const tables = definitions.flatMap((definition) => resolveTable(definition, sources));
  const calendar = tables.find((table) => table.kind === 'calendar');
  if (calendar === undefined) throw new TerminalError('the star schema has no calendar dimension');
  assertReferences(tables);
  return {
    sources: [...sources.values()],
    tables,
    calendar,
    source: (name) => sources.get(name) ?? fail(`the star schema has no source table ${name}`),
    table: (name) =>
      tables.find((table) => table.name === name) ?? fail(`the star schema has no warehouse table ${name}`),
  };
}

function resolveSources(definitions: readonly TableDefinition[]): Map<string, SourceTable> {
  const bySource = new Map<string, { source: SourceDefinition; feeds: string[]; fedKeys: FedKey[] }>();
  for (const definition of definitions) {
    if (definition.kind === 'calendar') continue;
    const { source } = definition;
    const known = bySource.get(source.table) ?? { source, feeds: [], fedKeys: [] };
    if (definition.kind !== 'ingested only') {
      known.feeds.push(definition.name);
      known.fedKeys.push(...fedKeyOf(definition));
    }
    bySource.set(definition.source.table, known);
  }
  const ownColumns = (table: string) => parseColumns((bySource.get(table) ?? failUnknown(table)).source);
  return new Map(
    [...bySource].map(([name, { source, feeds, fedKeys }]) => {
      const columns = ownColumns(name);
      const joins = source.joins ?? [];
      const joined = joins.flatMap((join) => joinedFields(join, ownColumns(join.table)));
      const fields = [...columns, ...joined];
      return [name, { name, key: source.key, columns, joins, fields, feeds, fedKeys }];
    }),
  );
}

/** Empty if the definition has no column for its key, which resolveTable refuses. */
function fedKeyOf({ name, key, columns }: DimensionDefinition | FactDefinition): FedKey[] {
  const column = columns[key];
  return column === undefined ? [] : [{ table: name, column: key, from: column.from }];
}

function parseColumns({ table, columns }: SourceDefinition): SourceField[] {
  return Object.entries(columns).map(([name, type]) => {
    const nullable = type.endsWith('?');
    return {
      name,
      table,
      column: name,
      type: (nullable ? type.slice(0, -1) : type) as SourceType,
      nullable,
    };
  });
}

/** A left join finds no row where the key is null or dangles, so every joined field may be null. */
function joinedFields(join: JoinDefinition, columns: SourceField[]): SourceField[] {
  return join.columns.map((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined)
      return fail(`the star schema joins ${join.table}.${name}, which is not defined`);
    return { ...column, name: `${join.table}.${name}`, nullable: true };
  });
}

function resolveTable(definition: TableDefinition, sources: Map<string, SourceTable>): WarehouseTable[] {
  if (definition.kind === 'ingested only') return [];
  if (definition.kind === 'calendar') {
    assertCalendar(definition);
    return [
      {
        ...definition,
        columns: Object.entries(definition.columns).map(([name, column]) => ({ name, ...column })),
      },
    ];
  }
  const source = sources.get(definition.source.table) ?? failUnknown(definition.source.table);
  const columns = Object.entries(definition.columns).map(([name, column]) => ({ name, ...column }));
  for (const column of columns) assertField(`${definition.name}.${column.name}`, column, source);
  if (!columns.some(({ name }) => name === definition.key)) {
    fail(`${definition.name} has no column for its key ${definition.key}`);
  }
  return [{ ...definition, source, columns }];
}

function assertField(columnName: string, column: WarehouseColumn, source: SourceTable): void {
  const { field: name } = column.from;
  const field = source.fields.find((candidate) => candidate.name === name);
  if (field === undefined) {
    const wanted = name.includes('.') ? name : `${source.name}.${name}`;
    fail(`${columnName} comes from ${wanted}, which is not defined`);
  }
  if (isColumnFitting(field.type, column)) return;
  fail(describeMisfit(columnName, column, `${field.table}.${field.column}`, field.type));
}

/** A column of another name or type would get the values of another column. */
function assertCalendar({ name, key, columns }: CalendarDefinition): void {
  const types: Record<string, string> = calendarTypes;
  for (const [column, { type }] of Object.entries(columns)) {
    if (types[column] === type.name) continue;
    const known = Object.entries(types).map(([known, knownType]) => `${known} (${knownType})`);
    fail(`${name}.${column} (${type.name}) is not a column of a calendar: use ${known.join(', ')}`);
  }
  if (key !== 'date_id' || !(key in columns)) fail(`${name} must have date_id for its key`);
}

function assertReferences(tables: readonly WarehouseTable[]): void {
  for (const table of tables) {
    if (table.kind !== 'fact') continue;
    for (const { name, type, references } of table.columns) {
      if (references === undefined) continue;
      const dimension = tables.find((candidate) => candidate.name === references);
      if (dimension === undefined || dimension.kind === 'fact') {
        fail(`${table.name}.${name} references ${references}, which is not a dimension`);
      }
      const keyType = dimension.columns.find((column) => column.name === dimension.key)?.type.name;
      if (keyType === type.name) continue;
      fail(
        `${table.name}.${name} (${type.name}) references ${references}.${dimension.key}, which is ${keyType}`,
      );
    }
  }
}

const failUnknown = (table: string): never => fail(`the star schema has no source table ${table}`);

function fail(message: string): never {
  throw new TerminalError(message);
}
