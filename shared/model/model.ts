import { TerminalError } from '../errors.ts';
import { calendarTypes } from './calendar.ts';
import { describeMisfit, isColumnFitting } from './column-fit.ts';
import type {
  CalendarDefinition,
  ColumnDefinition,
  Deletes,
  Derivation,
  DimensionDefinition,
  FactDefinition,
  IngestedOnlyDefinition,
  JoinDefinition,
  Lookups,
  MigrationDefinition,
  ModelDefinition,
  SourceColumns,
  SourceName,
  SourceType,
  TableDefinition,
} from './define.ts';
import { sourceNameOf } from './source-name.ts';

/** One value of an extracted row, under its key in the JSON line. */
export interface SourceField {
  /** The key: the column's name, or `path.column` for a joined one. */
  name: string;
  /** The join that it comes by; undefined for the table's own. */
  path: string | undefined;
  /** The name of the source table that has the column. */
  table: string;
  column: string;
  type: SourceType;
  nullable: boolean;
}

/** A table that is extracted along with another one. */
export interface Join extends Omit<JoinDefinition, 'columns'> {
  /** Of the joined table, see `SourceTable.name`. */
  name: string;
}

/** The key by which a source table's rows become rows of a warehouse table. */
export interface FedKey {
  /** The warehouse table. */
  table: string;
  columns: readonly { column: string; from: Derivation }[];
}

export interface SourceTable extends SourceName {
  /** Its name everywhere but in SQL: the table's, behind its schema and a point where that is not the default one. */
  name: string;
  key: readonly string[];
  /** Columns that are kept in the source on purpose. */
  excluded: ReadonlySet<string>;
  /** A census of it that lacks many keys is held until an operator applies it. */
  isGuarded: boolean;
  /** An own column that says when a row was last changed, as far as the model tells: a hint, where an index leads by it. */
  changed?: string;
  /** The table's own columns, in the order in which they are extracted. */
  columns: readonly SourceField[];
  /** Each after the one that it goes on from. */
  joins: readonly Join[];
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
  kind: 'dimension' | 'table';
  name: string;
  /** The name that it had in an earlier model. */
  was?: string;
  source: SourceTable;
  key: readonly string[];
  deletes: Deletes;
  /** It has every version that was captured, and not the latest state alone. */
  history?: true;
  columns: readonly WarehouseColumn[];
}

export interface Fact {
  kind: 'fact';
  name: string;
  /** The name that it had in an earlier model. */
  was?: string;
  source: SourceTable;
  key: readonly string[];
  deletes: Deletes;
  /** The columns that tell the versions of a key apart; none if only the latest state is kept. */
  versions: readonly string[];
  surrogateKey?: string;
  columns: readonly WarehouseColumn[];
}

export interface Calendar {
  kind: 'calendar';
  name: string;
  key: readonly ['date_id'];
  columns: readonly CalendarColumn[];
}

export type WarehouseTable = Dimension | Fact | Calendar;

export interface Model {
  /** Names the model to people. */
  name: string;
  sources: readonly SourceTable[];
  tables: readonly WarehouseTable[];
  calendar: Calendar | undefined;
  /** Tables of it that are filled to take the places of others; undefined where there are none. */
  migration: MigrationDefinition | undefined;
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
export function assembleModel({
  name,
  tables: definitions,
  lookups = {},
  migration,
}: ModelDefinition): Model {
  const sources = resolveSources(definitions);
  const tables = definitions.flatMap((definition) => resolveTable(definition, sources, lookups));
  const calendars = tables.filter((table) => table.kind === 'calendar');
  if (calendars.length > 1) fail(`the model has several calendars: ${namesOf(calendars).join(', ')}`);
  const doubled = namesOf(tables).find((table, index) => namesOf(tables).indexOf(table) !== index);
  if (doubled !== undefined) fail(`the model has several tables ${doubled}`);
  assertReferences(tables);
  return {
    name,
    sources: [...sources.values()],
    tables,
    calendar: calendars[0],
    migration,
    source: (wanted) => sources.get(wanted) ?? fail(`the model has no source table ${wanted}`),
    table: (wanted) =>
      tables.find((table) => table.name === wanted) ?? fail(`the model has no warehouse table ${wanted}`),
  };
}

/** Whether a column of the table holds keys of the other. */
export const referencesTable = (table: Dimension | Fact, { name }: WarehouseTable): boolean =>
  table.columns.some(({ references }) => references === name);

/**
 * Under which name a table is filled that is going to take another's place. Postgres' own names follow from it
 * meanwhile.
 */
export const nextNameOf = (table: string): string => `${table}${nextSuffix}`;

/** Whether a name may be of such a table. */
export const isNextName = (name: string): boolean => name.endsWith(nextSuffix);

const nextSuffix = '__next';

const namesOf = (tables: readonly WarehouseTable[]): string[] => tables.map(({ name }) => name);

function resolveSources(definitions: readonly TableDefinition[]): Map<string, SourceTable> {
  const bySource = new Map<string, (DimensionDefinition | FactDefinition | IngestedOnlyDefinition)[]>();
  for (const definition of definitions) {
    if (definition.kind === 'calendar') continue;
    const name = sourceNameOf(definition.source);
    bySource.set(name, [...(bySource.get(name) ?? []), definition]);
  }
  return new Map([...bySource].map(([name, users]) => [name, resolveSource(name, users)]));
}

/** Of the definitions that use one source table; each has its part of the columns and joins. */
function resolveSource(
  name: string,
  users: readonly (DimensionDefinition | FactDefinition | IngestedOnlyDefinition)[],
): SourceTable {
  const [first, ...others] = users.map(({ source }) => source);
  if (first === undefined) return fail(`the model has no source table ${name}`);
  const other = others.find(({ key }) => key.join() !== first.key.join());
  if (other !== undefined)
    fail(`${name} has the key ${first.key.join(', ')} and the key ${other.key.join(', ')}`);
  const all = [first, ...others];
  const columns = uniteFields(all.flatMap((source) => parseColumns(name, undefined, source.columns)));
  const lacking = first.key.find((column) => !columns.some((known) => known.name === column));
  if (lacking !== undefined) fail(`${name} has no column for its key ${lacking}`);
  const definedJoins = all.flatMap(({ joins = [] }) => joins);
  const joined = uniteFields(definedJoins.flatMap(joinedFields));
  const feeding = users.filter((user) => user.kind !== 'ingested only');
  const changed = all.find((source) => source.changed !== undefined)?.changed ?? findVersionField(feeding);
  return {
    name,
    ...(first.schema !== undefined && { schema: first.schema }),
    table: first.table,
    key: first.key,
    excluded: new Set(all.flatMap(({ excluded = [] }) => excluded)),
    isGuarded: !all.some(({ guard }) => guard === 'none'),
    ...(changed !== undefined && { changed }),
    columns,
    joins: uniteJoins(name, definedJoins),
    fields: [...columns, ...joined],
    feeds: feeding.map((user) => user.name),
    fedKeys: feeding.map(fedKeyOf),
  };
}

/** The one own column that the versions of a fact are made of. */
function findVersionField(feeding: readonly (DimensionDefinition | FactDefinition)[]): string | undefined {
  for (const user of feeding) {
    if (user.kind !== 'fact') continue;
    const fields = new Set(user.versions.map((version) => user.columns[version]?.from.field));
    const [field] = fields;
    if (fields.size === 1 && field !== undefined && !field.includes('.')) return field;
  }
  return undefined;
}

/** Each once, in the order in which they come. */
function uniteFields(fields: readonly SourceField[]): SourceField[] {
  const byName = new Map<string, SourceField>();
  for (const field of fields) {
    const known = byName.get(field.name);
    if (known !== undefined && (known.type !== field.type || known.nullable !== field.nullable)) {
      fail(`${field.table}.${field.column} is declared as ${known.type} and as ${field.type}`);
    }
    byName.set(field.name, field);
  }
  return [...byName.values()];
}

function uniteJoins(source: string, definitions: readonly JoinDefinition[]): Join[] {
  const byPath = new Map<string, Join>();
  for (const { columns: _, ...join } of definitions) {
    const known = byPath.get(join.path);
    const resolved = { ...join, name: sourceNameOf(join) };
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(resolved)) {
      fail(`${source} has two joins ${join.path}, which differ`);
    }
    if (join.from !== undefined && !byPath.has(join.from)) {
      fail(`${source} joins ${join.path} from ${join.from}, which is not a join before it`);
    }
    byPath.set(join.path, resolved);
  }
  return [...byPath.values()];
}

/** Columns that the definition lacks are left out, which resolveTable refuses. */
const fedKeyOf = ({ name, key, columns }: DimensionDefinition | FactDefinition): FedKey => ({
  table: name,
  columns: key.flatMap((column) => {
    const from = columns[column]?.from;
    return from === undefined ? [] : [{ column, from }];
  }),
});

function parseColumns(table: string, path: string | undefined, columns: SourceColumns): SourceField[] {
  return Object.entries(columns).map(([column, type]) => {
    const nullable = type.endsWith('?');
    return {
      name: path === undefined ? column : `${path}.${column}`,
      path,
      table,
      column,
      type: (nullable ? type.slice(0, -1) : type) as SourceType,
      nullable,
    };
  });
}

/** A left join finds no row where the key is null or dangles, so every joined field may be null. */
const joinedFields = (join: JoinDefinition): SourceField[] =>
  parseColumns(sourceNameOf(join), join.path, join.columns).map((field) => ({ ...field, nullable: true }));

function resolveTable(
  definition: TableDefinition,
  sources: Map<string, SourceTable>,
  lookups: Lookups,
): WarehouseTable[] {
  if (definition.kind === 'ingested only') return [];
  const { name } = definition;
  if (definition.kind === 'calendar') {
    assertCalendar(definition);
    return [{ ...definition, key: [definition.key], columns: withNames(definition.columns) }];
  }
  const source = sources.get(sourceNameOf(definition.source)) ?? fail(`${name} has no source`);
  const columns = withNames(definition.columns).map((column) => withListed(column, name, lookups));
  for (const column of columns) assertField(`${name}.${column.name}`, column, source);
  if (definition.key.length === 0) fail(`${name} has no key`);
  for (const key of definition.key) findKeyColumn(name, columns, key);
  const { deletes = 'mark' } = definition;
  const hasHistory =
    definition.kind === 'fact' ? definition.versions.length > 0 : definition.history === true;
  if (deletes === 'remove' && (hasHistory || definition.kind === 'dimension'))
    fail(
      `${name} cannot remove deleted rows: ${hasHistory ? 'it keeps every version' : 'facts may name them'}`,
    );
  if (definition.kind !== 'fact') return [{ ...definition, deletes, source, columns }];
  const nullable = definition.versions.find((version) => findKeyColumn(name, columns, version).nullable);
  if (nullable !== undefined) fail(`${name}.${nullable} tells versions apart, and may be null`);
  return [{ ...definition, deletes, source, columns }];
}

/** The texts that a column of a lookup becomes. */
function withListed(column: WarehouseColumn, table: string, lookups: Lookups): WarehouseColumn {
  const { lookup } = column.from;
  if (column.from.kind !== 'lookup' || lookup === undefined) return column;
  const entries =
    lookups[lookup] ?? fail(`${table}.${column.name} has the lookup ${lookup}, which is not there`);
  return { ...column, listed: new Map(Object.entries(entries)) };
}

const withNames = <T extends object>(columns: Readonly<Record<string, T>>): ({ name: string } & T)[] =>
  Object.entries(columns).map(([name, column]) => ({ name, ...column }));

const findKeyColumn = (table: string, columns: readonly WarehouseColumn[], key: string): WarehouseColumn =>
  columns.find(({ name }) => name === key) ?? fail(`${table} has no column for its key ${key}`);

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
  if (!(key in columns)) fail(`${name} must have date_id for its key`);
}

function assertReferences(tables: readonly WarehouseTable[]): void {
  for (const table of tables) {
    if (table.kind === 'calendar') continue;
    for (const column of table.columns) assertReference(table.name, column, tables);
  }
}

function assertReference(
  table: string,
  { name, type, references }: WarehouseColumn,
  tables: readonly WarehouseTable[],
): void {
  if (references === undefined) return;
  const dimension = tables.find((candidate) => candidate.name === references);
  if (dimension === undefined || dimension.kind === 'fact' || dimension.kind === 'table') {
    fail(`${table}.${name} references ${references}, which is not a dimension`);
  }
  const [key = '', ...others] = dimension.key;
  if (others.length > 0) fail(`${table}.${name} references ${references}, whose key has several columns`);
  const keyType = dimension.columns.find((column) => column.name === key)?.type.name;
  if (keyType !== type.name) {
    fail(`${table}.${name} (${type.name}) references ${references}.${key}, which is ${keyType}`);
  }
}

function fail(message: string): never {
  throw new TerminalError(message);
}
