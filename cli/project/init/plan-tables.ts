import { fitToKey, makeAs, typesOf } from '../compile/column-types.ts';
import { type Classified, maxDepth } from './classify.ts';
import { eventOf, isChangeName, isCreationName, wordsOf } from './column-names.ts';
import type { OfferedTable } from './offer-tables.ts';
import type { TableReference } from './references.ts';

export interface PlannedColumn {
  name: string;
  from?: string;
  as?: 'date';
  references?: string;
  isGuessed?: boolean;
}

interface PlannedJoin {
  path: string;
  table: string;
  match: Readonly<Record<string, string>>;
  isGuessed: boolean;
}

/** A file of tables/ that is to be written. */
export interface PlannedTable {
  kind: 'fact' | 'dimension' | 'table';
  name: string;
  table: OfferedTable;
  reason: string;
  versions?: string;
  /** Undefined for all columns. */
  columns?: PlannedColumn[];
  joins: PlannedJoin[];
}

/** The warehouse tables that a project has, or will have. */
export interface Names {
  /** The dimension that is made from a source table, where there is one. */
  dimensionOf(table: OfferedTable): string | undefined;
  calendar: string;
}

/** Postgres cuts longer names, and what the pipeline derives from a table's name is up to this much longer. */
const maxNameBytes = 63;
const derivedBytes = 9;

/** Chooses names that nothing has yet, not even in other letters: a file system may not tell them apart. */
export function makeNamer(taken: Iterable<string>) {
  const known = new Set([...taken].map((name) => name.toLowerCase()));
  const isFree = (name: string) =>
    !known.has(name.toLowerCase()) && Buffer.byteLength(name) <= maxNameBytes - derivedBytes;
  return (...candidates: readonly [string, ...string[]]): string => {
    let name = candidates.find(isFree) ?? cutName(candidates[0], maxNameBytes - derivedBytes);
    for (let number = 2; !isFree(name); number++) {
      const suffix = `_${number}`;
      name = cutName(candidates[0], maxNameBytes - derivedBytes - suffix.length) + suffix;
    }
    known.add(name.toLowerCase());
    return name;
  };
}

/** Cuts a name between characters. */
function cutName(name: string, maxBytes: number): string {
  let cut = name;
  while (Buffer.byteLength(cut) > maxBytes) cut = [...cut].slice(0, -1).join('');
  return cut;
}

/** `dim_` or `fact_` and the source's name; with the schema where two tables have one name. */
export function nameCandidates(
  prefix: 'dim_' | 'fact_' | '',
  { schema, table }: OfferedTable,
): [string, string] {
  const bare = prefix !== '' && table.toLowerCase().startsWith(prefix) ? table : `${prefix}${table}`;
  return [bare, `${prefix}${schema}_${table}`];
}

/** Plans the file of a fact or a dimension. */
export function planTable(
  { table, kind, reason, references, versions }: Classified,
  name: string,
  names: Names,
  all: ReadonlyMap<OfferedTable, Classified>,
  event: string | undefined,
): PlannedTable {
  const own = Object.keys(table.locked.columns).filter((column) => !table.excluded.has(column));
  const columns: PlannedColumn[] = [];
  const taken = new Set(own);
  for (const column of own) {
    const planned: PlannedColumn = { name: renameReserved(column, taken) };
    if (planned.name !== column) planned.from = column;
    if (kind === 'fact') {
      const reference = references.find((each) => isReferable(table, each, column));
      const target = reference === undefined ? undefined : names.dimensionOf(reference.to);
      if (reference !== undefined && target !== undefined) {
        planned.references = target;
        if (reference.isGuessed) planned.isGuessed = true;
      }
    }
    columns.push(planned);
    if (column === event) addDate(planned, table, columns, taken, names.calendar);
  }
  const joins: PlannedJoin[] = [];
  if (kind === 'dimension') foldInto({ columns, taken, joins, all }, table);
  return {
    kind: kind === 'fact' ? 'fact' : 'dimension',
    name,
    table,
    reason,
    ...(versions !== undefined && { versions }),
    columns,
    joins,
  };
}

/** Plans the file of a copy of a source table. */
export function planCopy(table: OfferedTable, name: string): PlannedTable {
  const own = Object.keys(table.locked.columns).filter((column) => !table.excluded.has(column));
  const taken = new Set(own);
  const columns = own.map((column) => {
    const renamed = renameReserved(column, taken);
    return renamed === column ? { name: column } : { name: renamed, from: column };
  });
  const isPlain = columns.every(({ name: column }, index) => column === own[index]);
  const common = { kind: 'table' as const, name, table, reason: 'a copy', joins: [] };
  return isPlain ? common : { ...common, columns };
}

/** Columns that the pipeline adds to every table. */
const reserved = ['_object_id', '_deleted_by', '_valid_from', '_valid_to'];

function renameReserved(column: string, taken: Set<string>): string {
  if (!reserved.includes(column)) return column;
  return takeFirst([`source${column}`, `source_${column}`], taken) ?? column;
}

function takeFirst(candidates: readonly string[], taken: Set<string>): string | undefined {
  const found = candidates.find((name) => !taken.has(name) && Buffer.byteLength(name) <= maxNameBytes);
  if (found !== undefined) taken.add(found);
  return found;
}

/** A column can hold the key of a dimension where that is one column of a fitting type, and every row finds its own. */
function isReferable(
  { locked }: OfferedTable,
  { columns, to, toColumns, isKept }: TableReference,
  column: string,
): boolean {
  const [[near, second], [key, other]] = [columns, to.key];
  const isOne = near === column && second === undefined && other === undefined && key === toColumns[0];
  const [own, far] = [locked.columns[column], to.locked.columns[key ?? '']];
  if (!isKept || !isOne || own === undefined || far === undefined) return false;
  const made = makeAs(undefined, typesOf(own));
  return typeof made !== 'string' && fitToKey(made, typesOf(far).warehouse) !== undefined;
}

/** Lets a fact name the day on which it happened: by the column itself where that is a date, else by one more. */
function addDate(
  planned: PlannedColumn,
  { locked }: OfferedTable,
  columns: PlannedColumn[],
  taken: Set<string>,
  calendar: string,
): void {
  const origin = planned.from ?? planned.name;
  const column = locked.columns[origin];
  if (column === undefined || planned.references !== undefined) return;
  if (typesOf(column).source === 'date') {
    planned.references = calendar;
    return;
  }
  const event = eventOf(origin);
  const isCamel = /\p{Ll}\p{Lu}/u.test(origin);
  const candidates = isCamel
    ? [`${event}Date`, `${event}Day`, `${origin}Date`]
    : [`${event}_date`, `${event}_day`, `${origin}_date`];
  const name = takeFirst(candidates, taken);
  if (name !== undefined) columns.push({ name, from: origin, as: 'date', references: calendar });
}

interface Fold {
  columns: PlannedColumn[];
  taken: Set<string>;
  joins: PlannedJoin[];
  all: ReadonlyMap<OfferedTable, Classified>;
}

/** A row that is joined from more tables than this is dear to read. */
const maxJoins = 12;

/**
 * Adds the columns of the tables that are folded into a dimension, and of those that are folded into them: the nearest
 * first, which get the short names.
 */
function foldInto({ columns, taken, joins, all }: Fold, root: OfferedTable): void {
  const queue: { near: OfferedTable; path: string[]; ways: OfferedTable[] }[] = [
    { near: root, path: [], ways: [root] },
  ];
  let steps = 0;
  for (const { near, path, ways } of queue) {
    const references = all.get(near)?.references ?? [];
    for (const reference of references) {
      const { to } = reference;
      const isFolded = all.get(to)?.kind === 'folded' && !ways.includes(to);
      if (!isFolded || path.length >= maxDepth || steps >= maxJoins) continue;
      steps++;
      const isAlone = isOnlyWay(near, reference);
      const segment = isAlone ? to.table : segmentOf(near, reference, references);
      const next = [...path, segment];
      if (!isAlone) {
        const match = Object.fromEntries(
          reference.columns.map((column, index) => [column, reference.toColumns[index] ?? '']),
        );
        joins.push({ path: next.join('.'), table: to.name, match, isGuessed: reference.isGuessed });
      }
      for (const column of foldedColumns(to, all.get(to)?.references ?? [])) {
        const name = takeFirst(foldedNames(next, column), taken);
        if (name !== undefined) columns.push({ name, from: `${next.join('.')}.${column}` });
      }
      queue.push({ near: to, path: next, ways: [...ways, to] });
    }
  }
}

/** Whether a path can go by the name of the other table alone. */
function isOnlyWay({ locked }: OfferedTable, { to, isGuessed }: TableReference): boolean {
  return !isGuessed && locked.foreignKeys.filter(({ table }) => bareName(table) === to.table).length === 1;
}

const bareName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** After the column that names the row: `original_language_id` gives 'original_language'. */
function segmentOf(
  near: OfferedTable,
  { columns, to }: TableReference,
  references: readonly TableReference[],
): string {
  const stemOf = (names: readonly string[]) =>
    names
      .join('_')
      .replace(/_?(?:id|key|code)$/i, '')
      .replaceAll('.', '_');
  const stem = stemOf(columns);
  const others = references.filter((other) => other.columns.join() !== columns.join());
  const isTaken = others.some(
    (other) => (isOnlyWay(near, other) ? other.to.table : stemOf(other.columns)) === stem,
  );
  return stem === '' || isTaken ? `${to.table}_by_${columns.join('_').replaceAll('.', '_')}` : stem;
}

/** What says something of the thing: not its key, what it names itself, nor when its row was written. */
function foldedColumns(
  { locked, key, excluded }: OfferedTable,
  references: readonly TableReference[],
): string[] {
  const referring = references.flatMap(({ columns }) => columns);
  return Object.keys(locked.columns).filter(
    (column) =>
      !excluded.has(column) &&
      !key.includes(column) &&
      !referring.includes(column) &&
      !isChangeName(column) &&
      !isCreationName(column),
  );
}

/** `city`, else with the way to it before it: `address_city`. */
function foldedNames(path: readonly string[], column: string): string[] {
  const segment = path.at(-1) ?? '';
  const [first] = wordsOf(column);
  const saysItself = column === segment || first === wordsOf(segment).join('_');
  const base = saysItself ? column : `${segment}_${column}`;
  return [base, `${path[0]}_${base}`, `${path.join('_')}_${column}`];
}
