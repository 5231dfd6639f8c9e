import { quoteLiteral, quoteQualified } from '../postgres/identifier.ts';
import type {
  CalendarColumn,
  Fact,
  StarSchema,
  WarehouseColumn,
  WarehouseTable,
} from '../star-schema/assemble.ts';
import type { WarehouseType } from '../star-schema/define.ts';
import { businessKey } from './business-key.ts';
import type { ColumnType, Reference, Relation, RelationColumn } from './relation.ts';

/** A row's lineage: the ledger's entry of the object that it came from. */
export const objectIdColumn = '_object_id';

/** The warehouse's tables as the model wants them, each after those that it references. */
export function warehouseRelations(model: StarSchema, schema: string): Relation[] {
  const order = { calendar: 0, dimension: 1, fact: 2 };
  return model.tables
    .toSorted((a, b) => order[a.kind] - order[b.kind])
    .map((table) => relationOf(table, model, schema));
}

function relationOf(table: WarehouseTable, model: StarSchema, schema: string): Relation {
  const common = { schema, name: table.name };
  if (table.kind === 'fact') {
    const surrogate = { name: table.surrogateKey, type: 'bigserial', nullable: false } as const;
    return {
      ...common,
      columns: [surrogate, ...factColumns(table)],
      primaryKey: [table.surrogateKey],
      uniques: [businessKey(table)],
      references: referencesOf(table, model),
      afterwards: [cacheNumbers(schema, table)],
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
    columns: [...table.columns.map(columnOf), objectId],
    primaryKey: [table.key],
    uniques: [],
    references: [],
  };
}

/** As many as Postgres logs at a time. */
const cachedNumbers = 32;

/**
 * Has each connection draw a fact's surrogate keys by the dozens. One by one, two loads that COPY into a fact wait for each
 * other at every row, and a million rows take a quarter longer. Numbers that a connection does not use are left out.
 */
function cacheNumbers(schema: string, { name, surrogateKey }: Fact): string {
  const table = quoteLiteral(quoteQualified(schema, name));
  const sequence = `pg_get_serial_sequence(${table}, ${quoteLiteral(surrogateKey)})`;
  return `do ${quoteLiteral(`begin execute format('alter sequence %s cache ${cachedNumbers}', ${sequence}); end`)}`;
}

/** A fact's columns but its surrogate key: what its objects hold, and the lineage. */
export const factColumns = (fact: Fact): RelationColumn[] => [
  ...fact.columns.map(columnOf),
  { name: objectIdColumn, type: 'int8', nullable: false },
];

const columnOf = ({ name, type, nullable }: WarehouseColumn | CalendarColumn): RelationColumn => ({
  name,
  type: typeOf(type),
  nullable,
});

const typeOf = (type: WarehouseType): ColumnType =>
  type.name === 'numeric' ? `numeric(${type.precision},${type.scale})` : type.name;

/** Which columns of a fact hold the keys of which dimensions. */
export function referencesOf(fact: Fact, model: StarSchema): Reference[] {
  return fact.columns.flatMap(({ name, references }) =>
    references === undefined ? [] : [{ column: name, table: references, key: model.table(references).key }],
  );
}
