import { calendarTypes } from '../../../shared/model/calendar.ts';
import {
  type CalendarDefinition,
  type ColumnDefinition,
  formatType,
  type IngestedOnlyDefinition,
  type JoinDefinition,
  type ModelDefinition,
  type TableDefinition,
} from '../../../shared/model/define.ts';
import { versionsOf } from '../../../shared/model/history.ts';
import { sourceNameOf } from '../../../shared/model/source-name.ts';
import { type Finding, findingAt, formatFinding, refuseFindings } from '../../configuration/yaml-file.ts';
import { didYouMean } from '../../help/suggest.ts';
import { isReservedName } from '../files/lock-file.ts';
import type { Lookup } from '../files/lookup-file.ts';
import { type Project, readProject } from '../files/read-project.ts';
import { fitToKey, haveEqualTexts, isLoose, typesOf } from './column-types.ts';
import { type CompiledTable, compileTable } from './compile-table.ts';
import {
  columnsOf,
  makeSourceTables,
  type SourceTable,
  type SourceTables,
  sourceTypeOf,
} from './source-tables.ts';

export interface CompiledModel extends ModelDefinition {
  /** By the names of their files: what each text becomes. */
  lookups: Readonly<Record<string, Lookup>>;
}

export interface Compiled {
  definition: CompiledModel;
  findings: Finding[];
  /** The tables of the source that the model reads. */
  reads: ReadonlySet<string>;
}

/**
 * Compiles the project in a folder into the inner form of its model, from its files and its lock alone.
 *
 * @throws {UsageError} with a line for each finding
 */
export function loadProject(folder: string): CompiledModel {
  const { project, findings } = readProject(folder);
  const compiled = project === undefined ? undefined : compileProject(project);
  const all = [...findings, ...(compiled?.findings ?? [])];
  if (compiled === undefined || all.length > 0) throw refuseFindings(all);
  return compiled.definition;
}

/** The same of a project that was read, with everything that is wrong. */
export function compileProject(project: Project): Compiled {
  const findings: Finding[] = [];
  const known = new Set<string>();
  const report = (finding: Finding) => {
    // A column and the join that it comes by find the same.
    if (!known.has(formatFinding(finding))) findings.push(finding);
    known.add(formatFinding(finding));
  };
  const tables = makeSourceTables(project.contents, project.lock);
  const compiled = project.tables
    .map((file) => compileTable(file, project, tables, report))
    .filter((table) => table !== undefined);
  const calendar = compileCalendar(project);
  const kept = compileKept(project, tables, compiled, report);
  assertNames(compiled, calendar, report);
  assertSharedSources(compiled, report);
  for (const table of compiled) resolveReferences(table, { compiled, calendar, tables }, report);
  const definitions: TableDefinition[] = [
    ...kept.flatMap(({ definition }) => definition ?? []),
    ...(calendar === undefined ? [] : [calendar]),
    ...compiled.flatMap(({ definition, hasHistory }) =>
      hasHistory && definition.kind !== 'fact' ? [definition, versionsOf(definition)] : [definition],
    ),
  ];
  const nameOf = (table: TableDefinition) =>
    table.kind === 'ingested only' ? table.source.table : table.name;
  return {
    definition: {
      name: project.name,
      tables: definitions.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0)),
      lookups: { ...project.lookups },
    },
    findings,
    reads: new Set([...kept.map(({ name }) => name), ...compiled.flatMap(({ reads }) => [...reads])]),
  };
}

function compileCalendar({ contents }: Project): CalendarDefinition | undefined {
  const name = contents.warehouse?.calendar;
  if (name === undefined) return undefined;
  const columns = Object.entries(calendarTypes).map(
    ([column, type]) => [column, { type: { name: type }, nullable: false as const }] as const,
  );
  return { kind: 'calendar', name, key: 'date_id', columns: Object.fromEntries(columns) };
}

interface KeptTable {
  name: string;
  definition: IngestedOnlyDefinition | undefined;
}

/** The tables of `sources`; with a definition those that say `keep: true`, where no warehouse table is made from them. */
function compileKept(
  { file, contents }: Project,
  tables: SourceTables,
  compiled: readonly CompiledTable[],
  report: (finding: Finding) => void,
): KeptTable[] {
  return Object.entries(contents.sources ?? {}).flatMap(
    ([written, { keep, exclude, mask, changed }]): KeptTable[] => {
      const at = (keys: readonly (string | number)[], message: string) =>
        report(findingAt(file, ['sources', written, ...keys], message));
      const table = tables.find(written);
      if (table === undefined) {
        at([], tables.describeMissing(written));
        return [];
      }
      for (const [index, column] of (exclude ?? []).entries()) {
        // The lock cannot have it.
        if (Object.hasOwn(table.locked.columns, column) || isReservedName(column)) continue;
        const meant = didYouMean(column, Object.keys(table.locked.columns));
        at(['exclude', index], `${table.name} has no column ${column}${meant}`);
      }
      for (const column of Object.keys(mask ?? {})) {
        const meant = didYouMean(column, Object.keys(table.locked.columns));
        if (!Object.hasOwn(table.locked.columns, column))
          at(['mask', column], `${table.name} has no column ${column}${meant}`);
        else if (table.excluded.has(column)) at(['mask', column], `${column} is excluded, too`);
      }
      if (changed !== undefined) {
        const problem = findChangedProblem(table, changed);
        if (problem !== undefined) at(['changed'], problem);
      }
      const feeds = compiled.some(({ definition: { source } }) => {
        const { schema, table: bare } = source;
        return bare === table.table && schema === table.schema;
      });
      const { name } = table;
      if (keep !== true || feeds) return [{ name, definition: undefined }];
      const { primaryKey } = table.locked;
      if (primaryKey === undefined) {
        at(['keep'], `${name} has no primary key`);
        return [{ name, definition: undefined }];
      }
      const columns = columnsOf(table).map((column) => [column, sourceTypeOf(table, column)] as const);
      const source: IngestedOnlyDefinition['source'] = {
        ...(table.schema !== undefined && { schema: table.schema }),
        table: table.table,
        key: primaryKey,
        columns: Object.fromEntries(columns),
        ...(table.excluded.size > 0 && { excluded: [...table.excluded] }),
        ...(changed !== undefined && { changed }),
      };
      return [{ name, definition: { kind: 'ingested only', source } }];
    },
  );
}

/** Its greatest value goes into the capture state, so it must not be one that is to stay in the source. */
function findChangedProblem(
  { name, locked, excluded, masked }: SourceTable,
  column: string,
): string | undefined {
  const found = Object.hasOwn(locked.columns, column) ? locked.columns[column] : undefined;
  if (found === undefined)
    return `${name} has no column ${column}${didYouMean(column, Object.keys(locked.columns))}`;
  if (excluded.has(column)) return `${column} is excluded, and would leave the source`;
  if (masked.has(column)) return `${column} is masked, and its clear text would leave the source`;
  const { source } = typesOf(found);
  return source === 'timestamp' || source === 'timestamptz'
    ? undefined
    : `${column} is of type ${found.type}: only a timestamp says when a row was changed`;
}

function assertNames(
  compiled: readonly CompiledTable[],
  calendar: CalendarDefinition | undefined,
  report: (finding: Finding) => void,
): void {
  const known = new Map<string, string>();
  if (calendar !== undefined) known.set(calendar.name, 'the calendar');
  for (const { file, definition } of compiled) {
    const { name, kind } = definition;
    const other = known.get(name);
    if (other === undefined) known.set(name, file.file.name);
    else report(findingAt(file.file, [kind], `${name} is the name of another table, too: ${other}`));
  }
}

/** The tables that are made from one source table get its rows by one extract. */
function assertSharedSources(compiled: readonly CompiledTable[], report: (finding: Finding) => void): void {
  const first = new Map<string, CompiledTable>();
  for (const table of compiled) {
    const { file, definition } = table;
    const name = sourceNameOf(definition.source);
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, table);
      continue;
    }
    const { name: otherFile } = other.file.file;
    if (definition.source.key.join() !== other.definition.source.key.join()) {
      const keys = `${definition.source.key.join(', ')}; ${otherFile} has ${other.definition.source.key.join(', ')}`;
      report(findingAt(file.file, ['key'], `the tables made from ${name} need one key: this is ${keys}`));
    }
    for (const join of definition.source.joins ?? []) {
      const same = other.definition.source.joins?.find(({ path }) => path === join.path);
      if (same === undefined || describeJoin(same) === describeJoin(join)) continue;
      report(
        findingAt(file.file, ['joins', join.path], `${otherFile} has another join ${join.path} of ${name}`),
      );
    }
  }
}

const describeJoin = ({ schema, table, match }: JoinDefinition): string =>
  JSON.stringify([schema, table, match]);

interface ReferenceContext {
  compiled: readonly CompiledTable[];
  calendar: CalendarDefinition | undefined;
  tables: SourceTables;
}

/** Gives each column that references a dimension the type of its key. */
function resolveReferences(
  { file, definition }: CompiledTable,
  context: ReferenceContext,
  report: (finding: Finding) => void,
): void {
  for (const [name, column] of Object.entries(definition.columns)) {
    if (column.references === undefined) continue;
    const problem =
      findUnequalReference(name, column, definition, context) ??
      resolveReference(name, column, column.references, context);
    if (problem !== undefined) report(findingAt(file.file, ['columns', name, 'references'], problem));
  }
}

function resolveReference(
  name: string,
  column: ColumnDefinition,
  references: string,
  { compiled, calendar }: ReferenceContext,
): string | undefined {
  if (references === calendar?.name) {
    if (column.type.name === 'date') return undefined;
    const type = formatType(column.type);
    return `${name} is ${type}, and the key of ${references} is a date: as: date makes one`;
  }
  const target = compiled.find(({ definition }) => definition.name === references)?.definition;
  if (target?.kind !== 'dimension') {
    const known = compiled.filter(({ definition }) => definition.kind === 'dimension');
    const names = [...known.map(({ definition }) => definition.name), ...(calendar ? [calendar.name] : [])];
    return `${references} is not a dimension${didYouMean(references, names)}`;
  }
  const [key, second] = target.key;
  const keyColumn = key === undefined ? undefined : target.columns[key];
  if (second !== undefined) return `the key of ${references} has several columns: no column can reference it`;
  // What is wrong with the dimension itself is a finding of its own.
  if (keyColumn === undefined) return undefined;
  const fitted = fitToKey({ kind: column.from.kind, type: column.type }, keyColumn.type);
  if (fitted === undefined) {
    return `${name} is ${formatType(column.type)}, and the key of ${references} is ${formatType(keyColumn.type)}`;
  }
  column.type = fitted.type;
  return undefined;
}

/**
 * A fact may write the key of a dimension in other letters where the source takes them for the same, and its row would wait for
 * ever. The key itself, along a path, is written as the dimension has it.
 */
function findUnequalReference(
  name: string,
  { from, references }: ColumnDefinition,
  { source }: CompiledTable['definition'],
  { compiled, tables }: ReferenceContext,
): string | undefined {
  const target = compiled.find(({ definition }) => definition.name === references)?.definition;
  const key = target?.columns[target.key[0] ?? '']?.from;
  if (target === undefined || key === undefined) return undefined;
  const own = findField(source, from.field, tables);
  const far = findField(target.source, key.field, tables);
  if (own === undefined || far === undefined) return undefined;
  if (own.table === far.table && own.column === far.column) return undefined;
  if (own.isMasked !== far.isMasked) {
    const [masked, clear] = own.isMasked ? [own, far] : [far, own];
    return `${name} references ${references}, and ${masked.table}.${masked.column} is masked while ${clear.table}.${clear.column} is not: mask both, or neither`;
  }
  if (own.isMasked && !haveEqualTexts(own.locked, far.locked)) {
    return `${name} references ${references}, and the masked ${own.table}.${own.column} (${own.locked.type}) and ${far.table}.${far.column} (${far.locked.type}) may write equal values differently`;
  }
  const loose = [own, far].find(({ locked }) => isLoose(locked));
  if (loose === undefined) return undefined;
  return (
    `${name} references ${references}, and ${loose.table}.${loose.column} takes texts for equal that are different in the ` +
    `warehouse (${loose.locked.deterministic === false ? 'by its collation' : 'citext'}): take the key along a path that ` +
    `leads to ${far.table}, or leave references out`
  );
}

/** The column of the source that a field is. */
function findField(source: CompiledTable['definition']['source'], field: string, tables: SourceTables) {
  const end = field.lastIndexOf('.');
  const join = source.joins?.find(({ path }) => path === field.slice(0, Math.max(0, end)));
  const table = tables.find(sourceNameOf(join ?? source));
  const column = join === undefined ? field : field.slice(end + 1);
  const locked = table?.locked.columns[column];
  if (table === undefined || locked === undefined) return undefined;
  return { table: table.name, column, locked, isMasked: table.masked.has(column) };
}
