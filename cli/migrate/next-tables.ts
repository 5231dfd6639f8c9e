import type {
  DimensionDefinition,
  FactDefinition,
  ModelDefinition,
  SourceColumns,
  SourceDefinition,
  TableDefinition,
} from '../../shared/model/define.ts';
import { nextNameOf } from '../../shared/model/model.ts';
import { sourceNameOf } from '../../shared/model/source-name.ts';
import { hashOf } from '../../shared/records/published-model.ts';

/** A table whose rows come from a source table. */
type FedDefinition = DimensionDefinition | FactDefinition;

/**
 * Makes the model that is in force while tables are filled anew: each of them twice, as readers see it and as it is going to
 * be. So every object that arrives is loaded into both, and the new table misses none when it takes the other's place.
 *
 * @param inForce has the tables that readers see
 * @param next the model that takes its place in the end
 * @param anew the names of the tables that are filled anew
 * @param isFrozen leaves the tables that readers see as they are, where the source no longer has what they are made of
 */
export function makeMigrationModel(
  inForce: ModelDefinition,
  next: ModelDefinition,
  { anew, isFrozen = false }: { anew: readonly string[]; isFrozen?: boolean },
): ModelDefinition {
  const isAnew = (name: string) => anew.includes(name);
  const filled = next.tables.map((table) =>
    isFed(table) && isAnew(table.name) ? withNextNames(table, isAnew) : table,
  );
  const kept = withReferenced(
    isFrozen ? [] : anew,
    inForce.tables.filter((table) => table.kind !== 'ingested only'),
  )
    .filter((table) => !filled.some((other) => 'name' in other && other.name === table.name))
    .map((table) => (isFed(table) ? { ...table, source: fitSource(table.source, next) } : table));
  return {
    ...next,
    tables: [...kept, ...filled],
    lookups: { ...inForce.lookups, ...next.lookups },
    migration: {
      tables: anew.map((table) => ({ table, next: nextNameOf(table) })),
      from: hashOf(inForce),
      target: hashOf(next),
    },
  };
}

const isFed = (table: TableDefinition): table is FedDefinition =>
  table.kind !== 'calendar' && table.kind !== 'ingested only';

function withNextNames(table: FedDefinition, isAnew: (name: string) => boolean): FedDefinition {
  const columns = Object.entries(table.columns).map(([name, column]) => {
    const { references } = column;
    const moved = references !== undefined && isAnew(references);
    return [name, moved ? { ...column, references: nextNameOf(references) } : column];
  });
  return { ...table, name: nextNameOf(table.name), columns: Object.fromEntries(columns) };
}

/** The tables of these names, and those that they reference, each after what it references. */
function withReferenced(
  names: readonly string[],
  tables: readonly Exclude<TableDefinition, { kind: 'ingested only' }>[],
): Exclude<TableDefinition, { kind: 'ingested only' }>[] {
  const found = tables.filter(({ name }) => names.includes(name));
  const referenced = found
    .filter(isFed)
    .flatMap(({ columns }) => Object.values(columns).flatMap(({ references }) => references ?? []));
  const others = referenced.filter((name) => !names.includes(name));
  return others.length === 0 ? found : withReferenced([...others, ...names], tables);
}

/** One source table is extracted once: what the next model says of it holds for the tables that readers see, too. */
function fitSource(source: SourceDefinition, next: ModelDefinition): SourceDefinition {
  const name = sourceNameOf(source);
  const users = next.tables.flatMap((table) =>
    table.kind !== 'calendar' && sourceNameOf(table.source) === name ? [table.source] : [],
  );
  const [first] = users;
  if (first === undefined) return source;
  const typesOf = (columns: SourceColumns, others: readonly SourceColumns[]): SourceColumns =>
    Object.fromEntries(
      Object.entries(columns).map(([column, type]) => [
        column,
        others.find((each) => each[column] !== undefined)?.[column] ?? type,
      ]),
    );
  const columns = typesOf(
    source.columns,
    users.map((user) => user.columns),
  );
  const joins = source.joins?.map((join) => {
    const same = users.flatMap((user) => user.joins?.filter(({ path }) => path === join.path) ?? []);
    const joined = typesOf(
      join.columns,
      same.map((each) => each.columns),
    );
    return { ...join, columns: joined };
  });
  return { ...source, key: first.key, columns, ...(joins !== undefined && { joins }) };
}
