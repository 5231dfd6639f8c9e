import {
  type ColumnDefinition,
  type Deletes,
  type DimensionDefinition,
  type FactDefinition,
  formatType,
  type SourceDefinition,
} from '../../../shared/model/define.ts';
import {
  dimensionOfVersions,
  validFromColumn,
  validToColumn,
  versionColumn,
} from '../../../shared/model/history.ts';
import { type Finding, findingAt } from '../../configuration/yaml-file.ts';
import { didYouMean } from '../../help/suggest.ts';
import type { Project, TableFile } from '../files/read-project.ts';
import type { ColumnContents } from '../files/table-grammar.ts';
import { type Made, makeAs, maskedTypes, typesOf } from './column-types.ts';
import { assertColumn, makePaths, PathError, type Paths, type ReachedColumn } from './paths.ts';
import { columnsOf, isKey, type SourceTable, type SourceTables, sourceTypeOf } from './source-tables.ts';

export interface CompiledTable {
  file: TableFile;
  definition: DimensionDefinition | FactDefinition;
  /** Every captured version of its rows is kept, in a second table. */
  hasHistory: boolean;
  /** The source tables that it is made from, its own first. */
  reads: ReadonlySet<string>;
}

/** Columns that the pipeline adds to every table by itself. */
const ownColumns = ['_object_id', '_deleted_by', validFromColumn, validToColumn];

/**
 * Compiles one file of tables/. References are resolved later, when every table is known.
 *
 * @param report called with each finding
 * @returns undefined where the file says too little for a definition
 */
export function compileTable(
  file: TableFile,
  project: Project,
  tables: SourceTables,
  report: (finding: Finding) => void,
): CompiledTable | undefined {
  const { contents } = file;
  const at = (keys: readonly (string | number)[], message: string) =>
    report(findingAt(file.file, keys, message));
  const named = (['fact', 'dimension', 'table'] as const).filter((kind) => contents[kind] !== undefined);
  const [kind, second] = named;
  if (kind === undefined || second !== undefined) {
    const message = 'a file has exactly one of fact, dimension and table, which is the name of the table';
    at(second === undefined ? [] : [second], message);
    return undefined;
  }
  const name = contents[kind] ?? '';
  for (const key of ['versions', 'surrogate'] as const) {
    if (kind !== 'fact' && contents[key] !== undefined)
      at([key], `${key} is for a fact, and this is a ${kind}`);
  }
  if (kind !== 'dimension' && contents.history !== undefined)
    at(['history'], `history is for a dimension, and this is a ${kind}`);
  if (dimensionOfVersions(name) !== undefined)
    at([kind], `${name} ends like the table of a dimension's versions: choose another name`);
  const source = tables.find(contents.from);
  if (source === undefined) {
    at(['from'], tables.describeMissing(contents.from));
    return undefined;
  }
  const paths = makePaths(source, contents.joins, tables);
  for (const path of Object.keys(contents.joins ?? {}))
    reporting(at, ['joins', path], () => paths.assertJoin(path));
  const columns = compileColumns(file, { source, paths, project, at });
  const sourceKey = findKey(file, source, at);
  const key = sourceKey.map((column) => findKeyColumn(name, column, columns, at));
  const joins = paths.joins();
  const sourceDefinition: SourceDefinition = {
    ...(source.schema !== undefined && { schema: source.schema }),
    table: source.table,
    key: sourceKey,
    columns: Object.fromEntries(columnsOf(source).map((column) => [column, sourceTypeOf(source, column)])),
    ...(source.excluded.size > 0 && { excluded: [...source.excluded] }),
    ...(source.guard !== undefined && { guard: source.guard }),
    ...(source.changed !== undefined && { changed: source.changed }),
    ...(joins.length > 0 && { joins }),
  };
  const deletes = findDeletes(file, kind, project, at);
  const common = {
    name,
    ...(contents.was !== undefined && { was: contents.was }),
    source: sourceDefinition,
    key: key.filter((column) => column !== undefined),
    ...(deletes !== 'mark' && { deletes }),
  };
  const definition: CompiledTable['definition'] =
    kind === 'fact'
      ? {
          kind,
          ...common,
          ...(contents.surrogate !== undefined && { surrogateKey: contents.surrogate }),
          versions: findVersions(file, source, columns, at),
          columns,
        }
      : { kind, ...common, columns };
  if (contents.surrogate !== undefined && Object.hasOwn(columns, contents.surrogate)) {
    at(['surrogate'], `${contents.surrogate} is a column already`);
  }
  const hasHistory = kind === 'dimension' && contents.history === true;
  return { file, definition, hasHistory, reads: new Set([source.name, ...paths.tables()]) };
}

/** A default of the warehouse that the table cannot have is not its own mistake. */
function findDeletes(
  { contents }: TableFile,
  kind: 'fact' | 'dimension' | 'table',
  project: Project,
  at: At,
): Deletes {
  const refusal =
    kind === 'dimension'
      ? 'a dimension cannot remove rows: facts may name them. Use mark or keep'
      : contents.versions !== undefined
        ? 'a fact with versions cannot remove rows: their versions would not come back. Use mark or keep'
        : undefined;
  if (refusal !== undefined && contents.deletes === 'remove') at(['deletes'], refusal);
  const wanted = contents.deletes ?? project.contents.warehouse?.deletes ?? 'mark';
  return wanted === 'remove' && refusal !== undefined ? 'mark' : wanted;
}

type At = (keys: readonly (string | number)[], message: string) => void;

interface ColumnContext {
  source: SourceTable;
  paths: Paths;
  project: Project;
  at: At;
}

function compileColumns(file: TableFile, context: ColumnContext): Record<string, ColumnDefinition> {
  const { source, at } = context;
  const written = file.contents.columns ?? Object.fromEntries(columnsOf(source).map((name) => [name, null]));
  const columns: Record<string, ColumnDefinition> = {};
  for (const [name, contents] of Object.entries(written)) {
    if (ownColumns.includes(name) || (file.contents.history === true && name === versionColumn))
      at(['columns', name], `${name} is a column that Starlift adds: choose another name`);
    reporting(at, ['columns', name], () => {
      columns[name] = compileColumn(name, contents ?? {}, context);
    });
  }
  return columns;
}

/** @throws {PathError} the column cannot be made */
function compileColumn(
  name: string,
  contents: ColumnContents,
  { source, paths, project, at }: ColumnContext,
): ColumnDefinition {
  const place = (key: string) => ['columns', name, key];
  const origin = contents.from ?? name;
  const found = findOrigin(origin, source, paths, place(contents.from === undefined ? '' : 'from'));
  const locked = found.table.locked.columns[found.column];
  if (locked === undefined) throw new PathError(`${found.table.name} has no column ${found.column}`);
  const isMasked = found.table.masked.has(found.column);
  const types = isMasked ? maskedTypes : typesOf(locked);
  const made = makeAs(contents.as, types);
  if (typeof made === 'string') {
    throw new PathError(
      `${name} is as: ${contents.as} of ${origin}, which is ${isMasked ? 'masked, a text' : locked.type}: ${made}`,
      place('as'),
    );
  }
  const isJoined = found.path !== '';
  const mayBeNull = isJoined || locked.nullable || contents.else === 'null';
  const common = {
    nullable: contents.nullable ?? mayBeNull,
    ...(contents.references !== undefined && { references: contents.references }),
    ...(contents.was !== undefined && { was: contents.was }),
  };
  if (contents.lookup === undefined) {
    if (contents.else !== undefined) at(place('else'), `${name} has no lookup that else could stand in for`);
    return { type: made.type, from: { kind: made.kind, field: found.field }, ...common };
  }
  if (isMasked) throw new PathError(`${name} is masked: no text is left to look up`, place('lookup'));
  assertLookup(name, contents.lookup, made, project, place('lookup'));
  const from: ColumnDefinition['from'] = { kind: 'lookup', field: found.field, lookup: contents.lookup };
  if (contents.else !== undefined) from.else = contents.else;
  return { type: made.type, from, ...common };
}

function findOrigin(
  origin: string,
  source: SourceTable,
  paths: Paths,
  keys: readonly string[],
): ReachedColumn {
  try {
    if (!origin.includes('.')) assertColumn(source, origin);
    return paths.findColumn(origin);
  } catch (error) {
    if (!(error instanceof PathError) || error.keys !== undefined) throw error;
    throw new PathError(error.message, keys);
  }
}

function assertLookup(
  name: string,
  lookup: string,
  { kind, type }: Made,
  { lookups }: Project,
  keys: readonly string[],
): void {
  if (!Object.hasOwn(lookups, lookup)) {
    const meant = didYouMean(lookup, Object.keys(lookups));
    throw new PathError(`${name} looks up in lookups/${lookup}.csv, which is not there${meant}`, keys);
  }
  if (kind === 'field' && (type.name === 'text' || type.name === 'varchar')) return;
  throw new PathError(`${name} looks up a ${formatType(type)}: the keys of a lookup are texts`, keys);
}

function findKey(file: TableFile, source: SourceTable, at: At): readonly string[] {
  const written = file.contents.key;
  if (written === undefined) {
    const { primaryKey } = source.locked;
    if (primaryKey === undefined) {
      at(['from'], `${source.name} has no primary key: name the columns of a unique index by key`);
    }
    return primaryKey ?? [];
  }
  const key = typeof written === 'string' ? [written] : written;
  for (const column of key) reporting(at, ['key'], () => assertColumn(source, column));
  const isThere = key.every((column) => Object.hasOwn(source.locked.columns, column));
  if (isThere && !isKey(source, key)) {
    const columns = key.join(', ');
    at(
      ['key'],
      `${source.name} has no unique index on ${columns} whose columns are not null: create unique index on ${source.name} (${columns})`,
    );
  }
  return key;
}

/** The column of the warehouse that holds a column of the source's key as it is. */
function findKeyColumn(
  table: string,
  column: string,
  columns: Record<string, ColumnDefinition>,
  at: At,
): string | undefined {
  const found = Object.entries(columns).find(
    ([, { from }]) => from.field === column && (from.kind === 'field' || from.kind === 'text'),
  );
  if (found === undefined) {
    at(['columns'], `${table} has no column for ${column}, which belongs to the source's key`);
    return undefined;
  }
  const [name, { nullable }] = found;
  if (nullable) at(['columns', name, 'nullable'], `${name} belongs to the key, and may be null`);
  return name;
}

/** The column that is made whole of the source's, else those of its date and its time. */
function findVersions(
  file: TableFile,
  source: SourceTable,
  columns: Record<string, ColumnDefinition>,
  at: At,
): readonly string[] {
  const { versions } = file.contents;
  if (versions === undefined) return [];
  const locked = source.locked.columns[versions];
  if (locked === undefined || source.excluded.has(versions)) {
    reporting(at, ['versions'], () => assertColumn(source, versions));
    return [];
  }
  if (source.masked.has(versions))
    at(['versions'], `${versions} is masked: nothing tells which version is later`);
  const entries = Object.entries(columns);
  const nameOf = (kind: string) =>
    entries.find(([, { from }]) => from.field === versions && from.kind === kind)?.[0];
  const [whole, date, time] = [nameOf('field'), nameOf('date of'), nameOf('time of')];
  const found = whole !== undefined ? [whole] : date !== undefined && time !== undefined ? [date, time] : [];
  if (found.length === 0) {
    at(
      ['versions'],
      `no column is made of ${versions} as it is, nor a date and a time of it: the fact needs them to tell versions apart`,
    );
  }
  const mayBeNull = locked.nullable || found.some((name) => columns[name]?.nullable === true);
  if (mayBeNull) at(['versions'], `${versions} may be null: versions needs a column that is not null`);
  return found;
}

/** Reports what is wrong in a step, by the keys that it names, else by these. */
function reporting(at: At, keys: readonly string[], step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    at(error.keys ?? keys, error.message);
  }
}
