import type { JoinDefinition } from '../../../shared/model/define.ts';
import { didYouMean } from '../../help/suggest.ts';
import type { ForeignKey } from '../files/lock-file.ts';
import type { TableContents } from '../files/table-grammar.ts';
import { areComparable } from './column-types.ts';
import { columnsOf, isUnique, type SourceTable, type SourceTables, sourceTypeOf } from './source-tables.ts';

/** A table that is reached from the table of a file: by no path, the table itself. */
interface Reached {
  path: string;
  table: SourceTable;
}

/** A column that a path leads to. */
export interface ReachedColumn extends Reached {
  column: string;
  /** As the inner form names it: the column, or `path.column`. */
  field: string;
}

/** What is wrong with a path or a join, and under which keys of the file. */
export class PathError extends Error {
  readonly keys: readonly string[] | undefined;
  constructor(message: string, keys?: readonly string[]) {
    super(message);
    this.keys = keys;
  }
}

interface Step {
  definition: Omit<JoinDefinition, 'columns'>;
  table: SourceTable;
  used: Set<string>;
}

/** Follows the paths of one file, and keeps the joins that they go by. */
export interface Paths {
  /** @throws {PathError} there is no such column, or more than one way to it */
  findColumn(path: string): ReachedColumn;
  /** Asserts that a join could be gone by, whether a path uses it or not. */
  assertJoin(path: string): void;
  /** The names of the tables that were reached. */
  tables(): string[];
  /** Those that lead to a column that was found, each after the one that it goes on from. */
  joins(): JoinDefinition[];
}

/**
 * A segment of a path is a name of `joins`, else the table to which exactly one foreign key leads.
 *
 * @param root the table of the file
 */
export function makePaths(root: SourceTable, joins: TableContents['joins'], tables: SourceTables): Paths {
  const steps = new Map<string, Step>();
  const named = new Map(Object.entries(joins ?? {}));

  const goTo = (segments: readonly string[]): Reached => {
    if (segments.length === 0) return { path: '', table: root };
    const path = segments.join('.');
    const known = steps.get(path);
    if (known !== undefined) return { path, table: known.table };
    const near = goTo(segments.slice(0, -1));
    const join = named.get(path);
    const step =
      join === undefined
        ? followForeignKey(near, segments.at(-1) ?? '', tables, named)
        : followJoin(near, path, join, tables);
    steps.set(path, step);
    return { path, table: step.table };
  };

  const isUsed = ({ definition: { path }, used }: Step): boolean =>
    used.size > 0 || [...steps.values()].some((next) => next.definition.from === path && isUsed(next));

  return {
    findColumn(text) {
      // A name with a dot in it would be taken for a path by everything that reads it.
      const segments = text.split('.');
      const column = segments.pop() ?? '';
      const { path, table } = goTo(segments);
      assertColumn(table, column);
      steps.get(path)?.used.add(column);
      return { path, table, column, field: path === '' ? column : `${path}.${column}` };
    },
    assertJoin: (path) => {
      goTo(path.split('.'));
    },
    tables: () => [...steps.values()].map(({ table }) => table.name),
    joins: () =>
      [...steps.values()].filter(isUsed).map(({ definition, table, used }) => ({
        ...definition,
        columns: Object.fromEntries(
          columnsOf(table)
            .filter((column) => used.has(column))
            .map((column) => [column, sourceTypeOf(table, column)]),
        ),
      })),
  };
}

/** @throws {PathError} the table has no such column, or keeps it to itself */
export function assertColumn(table: SourceTable, column: string, keys?: readonly string[]): void {
  if (!Object.hasOwn(table.locked.columns, column)) {
    const meant = didYouMean(column, columnsOf(table));
    throw new PathError(`${table.name} has no column ${column}${meant}`, keys);
  }
  if (table.excluded.has(column)) {
    throw new PathError(`${table.name}.${column} is excluded by sources in starlift.yml`, keys);
  }
}

function followForeignKey(
  { path, table }: Reached,
  segment: string,
  tables: SourceTables,
  named: ReadonlyMap<string, unknown>,
): Step {
  const leading = table.locked.foreignKeys.filter(({ table: target }) => bareName(target) === segment);
  const [key, other] = leading;
  if (key === undefined) {
    const known = [...named.keys(), ...table.locked.foreignKeys.map(({ table: target }) => bareName(target))];
    const meant = didYouMean(segment, known);
    throw new PathError(
      `no foreign key leads from ${table.name} to ${segment}, and joins does not name it${meant}`,
    );
  }
  if (other !== undefined) {
    const ways = leading.map(({ columns }) => columns.join(' and ')).join('; ');
    throw new PathError(
      `${leading.length} foreign keys lead from ${table.name} to ${segment} (${ways}): name the one to take in joins`,
    );
  }
  const far = tables.find(key.table);
  if (far === undefined) throw new PathError(tables.describeMissing(key.table));
  return makeStep({ path, table }, segment, far, matchOf(key));
}

const bareName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

const matchOf = ({ columns, to }: ForeignKey): Record<string, string> =>
  Object.fromEntries(columns.map((column, index) => [column, to[index] ?? '']));

function followJoin(
  near: Reached,
  path: string,
  join: NonNullable<TableContents['joins']>[string],
  tables: SourceTables,
): Step {
  const keys = ['joins', path];
  const far = tables.find(join.table);
  if (far === undefined) throw new PathError(tables.describeMissing(join.table), [...keys, 'table']);
  for (const [left, right] of Object.entries(join.match)) {
    const place = [...keys, 'match', left];
    for (const [table, column] of [[near.table, left] as const, [far, right] as const]) {
      if (Object.hasOwn(table.locked.columns, column)) continue;
      throw new PathError(
        `${table.name} has no column ${column}${didYouMean(column, Object.keys(table.locked.columns))}`,
        place,
      );
    }
    const [a, b] = [near.table.locked.columns[left], far.locked.columns[right]];
    if (a !== undefined && b !== undefined && !areComparable(a, b)) {
      throw new PathError(
        `${near.table.name}.${left} (${a.type}) cannot be compared with ${far.name}.${right} (${b.type})`,
        place,
      );
    }
  }
  if (!isUnique(far, Object.values(join.match))) {
    const columns = Object.values(join.match).join(', ');
    throw new PathError(
      `${far.name} has no unique index on ${columns}: several of its rows could match one of ${near.table.name}`,
      [...keys, 'match'],
    );
  }
  return makeStep(near, path.slice(path.lastIndexOf('.') + 1), far, join.match);
}

function makeStep(near: Reached, segment: string, table: SourceTable, match: Record<string, string>): Step {
  const { path: from } = near;
  const collate = collationsOf(near.table, table, match);
  const definition: Step['definition'] = {
    path: from === '' ? segment : `${from}.${segment}`,
    ...(from !== '' && { from }),
    ...(table.schema !== undefined && { schema: table.schema }),
    table: table.table,
    match,
    ...(Object.keys(collate).length > 0 && { collate }),
  };
  return { definition, table, used: new Set() };
}

/** Those of the far columns, as a foreign key compares: a unique index of the far table goes by them. */
function collationsOf(
  near: SourceTable,
  far: SourceTable,
  match: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(match).flatMap(([left, right]) => {
      const [one, other] = [near.locked.columns[left]?.collation, far.locked.columns[right]?.collation];
      return one === other ? [] : [[left, other ?? 'pg_catalog."default"']];
    }),
  );
}
