import type {
  ColumnDefinition,
  ModelDefinition,
  SourceDefinition,
  TableDefinition,
  WarehouseType,
} from '../../shared/model/define.ts';
import { asNamedIn, findRenames, withRenames } from '../../shared/model/renames.ts';
import { sourceNameOf } from '../../shared/model/source-name.ts';

type WarehouseDefinition = Exclude<TableDefinition, { kind: 'ingested only' }>;

/** A change of a warehouse table that cannot be made while the table keeps its rows. */
export interface ModelFinding {
  table: string;
  /** Absent where the table as a whole has changed. */
  column?: string;
  what:
    | 'name'
    | 'kind'
    | 'source'
    | 'key'
    | 'versions'
    | 'surrogate key'
    | 'origin'
    | 'type'
    | 'mask'
    | 'column';
  /** What the model in force says. */
  inForce: string;
  /** What the model that is to take its place says. */
  next: string;
}

/**
 * Compares a model with the one that is in force. What only adds is no finding: a new table, a new column that may be
 * null, a column that may be null from now on, a new lookup or another derivation. A table that the new model no longer
 * has stays in the warehouse as it is, and so does a column, which may be null from then on.
 *
 * @returns a finding for each change that would lose rows, or that the tables refuse
 */
export function compareModels(inForce: ModelDefinition, next: ModelDefinition): ModelFinding[] {
  const renames = findRenames(inForce, next);
  const tables = new Map(
    warehouseTablesOf(withRenames(inForce, renames)).map((table) => [table.name, table]),
  );
  const compared = warehouseTablesOf(next).flatMap((table) => {
    const known = tables.get(table.name);
    return known === undefined ? [] : compareTables(known, table);
  });
  return [
    ...renames.tables.map(
      ({ from, to }): ModelFinding => ({ table: to, what: 'name', inForce: from, next: to }),
    ),
    ...renames.columns.map(
      ({ table, from, to }): ModelFinding => ({ table, column: to, what: 'name', inForce: from, next: to }),
    ),
    ...compared,
  ];
}

const warehouseTablesOf = ({ tables }: ModelDefinition): WarehouseDefinition[] =>
  tables.filter((table) => table.kind !== 'ingested only');

function compareTables(inForce: WarehouseDefinition, next: WarehouseDefinition): ModelFinding[] {
  const { name: table } = next;
  // The rest follows from the kind.
  if (inForce.kind !== next.kind) return [{ table, what: 'kind', inForce: inForce.kind, next: next.kind }];
  const traits = [
    ['source', sourceOf],
    ['key', keyOf],
    ['versions', versionsOf],
    ['surrogate key', surrogateKeyOf],
  ] as const;
  const changed = traits.flatMap(([what, traitOf]): ModelFinding[] => {
    const [before, after] = [traitOf(inForce), traitOf(next)];
    return before === after ? [] : [{ table, what, inForce: before, next: after }];
  });
  const remade = identifyingOf(next).flatMap((column): ModelFinding[] => {
    const [before, after] = [originOf(inForce, column), originOf(next, column)];
    // Where the columns are others, that is a finding already.
    return before === undefined || after === undefined || before === after
      ? []
      : [{ table, column, what: 'origin', inForce: before, next: after }];
  });
  return [
    ...changed,
    ...remade,
    ...compareColumns(table, inForce.columns, next.columns),
    ...compareMasks(table, inForce, next),
  ];
}

/** Rows that were captured with the one would stand beside those with the other. */
function compareMasks(
  table: string,
  inForce: WarehouseDefinition,
  next: WarehouseDefinition,
): ModelFinding[] {
  if (inForce.kind === 'calendar' || next.kind === 'calendar') return [];
  return Object.entries(next.columns).flatMap(([column, { from }]): ModelFinding[] => {
    const earlier = inForce.columns[column]?.from;
    if (earlier === undefined) return [];
    const [before, after] = [isMasked(inForce.source, earlier.field), isMasked(next.source, from.field)];
    const describe = (masked: boolean) => (masked ? 'masked' : 'in clear text');
    return before === after
      ? []
      : [{ table, column, what: 'mask', inForce: describe(before), next: describe(after) }];
  });
}

function isMasked({ columns, joins = [] }: SourceDefinition, field: string): boolean {
  const end = field.lastIndexOf('.');
  const join = joins.find(({ path }) => path === field.slice(0, Math.max(0, end)));
  const type = join === undefined ? columns[field] : join.columns[field.slice(end + 1)];
  return type?.startsWith('masked') === true;
}

const sourceOf = (table: WarehouseDefinition): string =>
  table.kind === 'calendar' ? 'dates' : sourceNameOf(table.source);

/** In any order: the rows that it tells apart are the same. */
const keyOf = ({ key }: WarehouseDefinition): string => [key].flat().toSorted().join(', ');

const versionsOf = (table: WarehouseDefinition): string =>
  table.kind === 'fact' && table.versions.length > 0
    ? table.versions.toSorted().join(', ')
    : 'the latest state only';

const surrogateKeyOf = (table: WarehouseDefinition): string =>
  (table.kind === 'fact' ? table.surrogateKey : undefined) ?? 'none';

/** The columns that tell rows apart. */
const identifyingOf = (table: WarehouseDefinition): string[] =>
  table.kind === 'calendar' ? [] : [...table.key, ...(table.kind === 'fact' ? table.versions : [])];

/** The source's column that the column is made of. */
const originOf = (table: WarehouseDefinition, column: string): string | undefined =>
  table.kind === 'calendar' ? undefined : table.columns[column]?.from.field;

type Columns = Readonly<Record<string, Pick<ColumnDefinition, 'type' | 'nullable'>>>;

function compareColumns(table: string, inForce: Columns, next: Columns): ModelFinding[] {
  const changed = Object.entries(next).flatMap(([column, { type, nullable }]): ModelFinding[] => {
    const known = inForce[column];
    if (known === undefined) {
      // The rows that are there have no value for it.
      return nullable ? [] : [{ table, column, what: 'column', inForce: 'none', next: 'not null' }];
    }
    const [before, after] = [describeType(known.type), describeType(type)];
    return before === after ? [] : [{ table, column, what: 'type', inForce: before, next: after }];
  });
  return changed;
}

/**
 * Lets columns be null that were added to a table which has rows: those that were captured before the column have no value for
 * it. Keys and versions cannot be added, and stay as they are.
 *
 * @returns the model to publish in place of the one that is in force
 */
export function allowNullInAdded(inForce: ModelDefinition, next: ModelDefinition): ModelDefinition {
  const known = new Map(warehouseTablesOf(asNamedIn(inForce, next)).map((table) => [table.name, table]));
  const relaxed = (table: TableDefinition): TableDefinition => {
    if (table.kind === 'ingested only' || table.kind === 'calendar') return table;
    const earlier = known.get(table.name);
    if (earlier === undefined) return table;
    const identifying = identifyingOf(table);
    const before: Columns = earlier.columns;
    const columns = Object.entries(table.columns).map(([name, column]) => {
      const mayBeNull = before[name]?.nullable ?? true;
      return [name, mayBeNull && !identifying.includes(name) ? { ...column, nullable: true } : column];
    });
    return { ...table, columns: Object.fromEntries(columns) };
  };
  return { ...next, tables: next.tables.map(relaxed) };
}

function describeType(type: WarehouseType): string {
  if (type.name === 'carried') return type.sql;
  if (type.name === 'numeric') return `numeric(${type.precision},${type.scale})`;
  // A warehouse that was made with the one goes on with the other.
  return type.name === 'varchar' ? 'text' : type.name;
}

/** One line, without an end: both sides of a finding. */
export function describeFinding({ table, column, what, inForce, next }: ModelFinding): string {
  if (column === undefined) {
    if (what === 'name') return `${table} is named ${inForce} in the model in force`;
    const verb = what === 'versions' ? 'are' : 'is';
    return `${table}: the ${what} ${verb} ${inForce} in the model in force, and would be ${next}`;
  }
  const name = `${table}.${column}`;
  if (what === 'name') return `${name} is named ${inForce} in the model in force`;
  if (what === 'origin') {
    return `${name} tells rows apart; it is made of ${inForce} in the model in force, and would be of ${next}`;
  }
  if (what !== 'column') return `${name} is ${inForce} in the model in force, and would be ${next}`;
  return `${name} is not in the model in force, and the rows that are there have no value for it: a new column has to allow null`;
}
