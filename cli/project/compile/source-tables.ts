import type { SourceColumns } from '../../../shared/model/define.ts';
import type { ProjectContents } from '../../configuration/project-grammar.ts';
import { didYouMean } from '../../help/suggest.ts';
import { type Lock, type LockedTable, lockFileName } from '../files/lock-file.ts';
import { typesOf } from './column-types.ts';

/** A table of the source as a project names it. */
export interface SourceTable {
  /** Bare in the project's default schema, else `schema.table`. */
  name: string;
  /** Undefined for public. */
  schema: string | undefined;
  table: string;
  locked: LockedTable;
  /** Columns that never leave the source. */
  excluded: ReadonlySet<string>;
  /** Columns that leave it as an HMAC. */
  masked: ReadonlySet<string>;
  /** Deletes of many of its rows are not held. */
  guard: 'none' | undefined;
  /** The column that says when a row was changed. */
  changed: string | undefined;
}

export interface SourceTables {
  /** By a name as somebody writes it; the default schema may be named, too. */
  find(name: string): SourceTable | undefined;
  /** Why a name is of no table, with the name that may be meant. */
  describeMissing(name: string): string;
}

export const defaultSchemaOf = ({ source }: ProjectContents): string => source?.schemas?.[0] ?? 'public';

export const schemasOf = ({ source }: ProjectContents): readonly string[] => source?.schemas ?? ['public'];

/** How the project names a table of the source. */
export const tableNameOf = (schema: string, table: string, defaultSchema: string): string =>
  schema === defaultSchema ? table : `${schema}.${table}`;

/** The tables of the source that the lock knows. */
export function makeSourceTables(contents: ProjectContents, lock: Lock): SourceTables {
  const defaultSchema = defaultSchemaOf(contents);
  const names = Object.keys(lock.tables);
  const nameOf = (written: string) =>
    written.startsWith(`${defaultSchema}.`) && !Object.hasOwn(lock.tables, written)
      ? written.slice(defaultSchema.length + 1)
      : written;
  const made = new Map<string, SourceTable>();
  return {
    find(written) {
      const name = nameOf(written);
      const locked = Object.hasOwn(lock.tables, name) ? lock.tables[name] : undefined;
      if (locked === undefined) return undefined;
      const other = schemasOf(contents).find((each) => name.startsWith(`${each}.`));
      const schema = other ?? defaultSchema;
      const table = made.get(name) ?? {
        name,
        schema: schema === 'public' ? undefined : schema,
        table: other === undefined ? name : name.slice(other.length + 1),
        locked,
        excluded: new Set(findSource(contents, name, defaultSchema)?.exclude),
        masked: new Set(Object.keys(findSource(contents, name, defaultSchema)?.mask ?? {})),
        guard: findSource(contents, name, defaultSchema)?.guard,
        changed: findSource(contents, name, defaultSchema)?.changed,
      };
      made.set(name, table);
      return table;
    },
    describeMissing(written) {
      const meant = didYouMean(nameOf(written), names);
      return `${written} is not in ${lockFileName}${meant || ': starlift check --source URL --update writes what the source has'}`;
    },
  };
}

function findSource({ sources }: ProjectContents, name: string, defaultSchema: string) {
  return sources?.[name] ?? sources?.[`${defaultSchema}.${name}`];
}

/** The columns that leave the source, in the source's order. */
export const columnsOf = ({ locked, excluded }: SourceTable): string[] =>
  Object.keys(locked.columns).filter((name) => !excluded.has(name));

export function sourceTypeOf({ locked, masked }: SourceTable, column: string): SourceColumns[string] {
  const found = locked.columns[column];
  if (found === undefined) throw new Error(`${column} is not a locked column`);
  const source = masked.has(column) ? 'masked' : typesOf(found).source;
  return found.nullable ? `${source}?` : source;
}

/** Whether no two rows can be equal in all of these columns. Nulls make no difference: they equal nothing. */
export const isUnique = ({ locked }: SourceTable, columns: readonly string[]): boolean =>
  locked.uniqueKeys.some((key) => key.every((column) => columns.includes(column)));

/** The same, and none of them may be null. */
export const isKey = ({ locked }: SourceTable, columns: readonly string[]): boolean =>
  locked.uniqueKeys.some((key) =>
    key.every((column) => columns.includes(column) && locked.columns[column]?.nullable === false),
  );
