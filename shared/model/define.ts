/**
 * A column's type in the source, as a warehouse table's file writes it; a trailing `?` allows null.
 *
 * 'varchar' stands for every text type: text, varchar, char(n), citext, name, enums, and domains over them. 'other'
 * stands for any type whose values travel as Postgres' own text: arrays, interval, inet, ranges, timetz, composites,
 * types of extensions.
 *
 * 'masked' stands for a column of any type that leaves the source as the HMAC of its text alone.
 */
export type SourceType =
  | 'int2'
  | 'int4'
  | 'int8'
  | 'oid'
  | `numeric(${number},${number})`
  | 'numeric'
  | 'float4'
  | 'float8'
  | 'bool'
  | 'varchar'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'bytea'
  | 'json'
  | 'jsonb'
  | 'other'
  | 'masked';

/** Where a warehouse column's value comes from: a field of the extracted row, and what is made of it. */
export interface Derivation {
  /**
   * - `field`: the value as it is; a wider type of number or text takes a narrower one
   * - `date`: of a text 'YYYY-MM-DD'
   * - `date of`, `time of`: of a timestamp as its clock shows it, of a timestamptz in UTC
   * - `text`: the value's Postgres text, of any type
   * - `lookup`: a text looked up in the model's lookup of that name
   */
  kind: 'field' | 'date' | 'date of' | 'time of' | 'text' | 'lookup';
  /** A column of the source table, or `path.column` of a joined one. */
  field: string;
  /** The name of the lookup. */
  lookup?: string;
  /** What becomes of a text that the lookup does not list; without it, its row is quarantined. */
  else?: 'self' | 'null';
}

export type PlainTypeName =
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'real'
  | 'double precision'
  | 'varchar'
  | 'text'
  | 'boolean'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'bytea'
  | 'json'
  | 'jsonb';

export type WarehouseType =
  | { name: PlainTypeName }
  /** At most 38 digits. */
  | { name: 'numeric'; precision: number; scale: number }
  /**
   * Any other type. Its values travel as text, and the warehouse casts them.
   *
   * `sql` is the type as Postgres' `format_type` writes it: 'numeric', 'integer[]', 'interval', 'time with time zone'.
   */
  | { name: 'carried'; sql: string };

export interface ColumnDefinition {
  type: WarehouseType;
  from: Derivation;
  nullable: boolean;
  /** The dimension whose key this column holds. */
  references?: string;
  /** The name that it had in an earlier model. */
  was?: string;
}

interface ColumnOptions {
  nullable?: boolean;
  references?: string;
}

/** A source table by its schema, which is the source's default one if it is absent, and its name. */
export interface SourceName {
  schema?: string;
  table: string;
}

/** Columns by their names; a type with `?` may be null. */
export type SourceColumns = Readonly<Record<string, SourceType | `${SourceType}?`>>;

/** How rows of another source table are extracted along with this one's: a left join. */
export interface JoinDefinition extends SourceName {
  /** How fields name it, `path.column`: `address`, or `customer.address` for one that goes on from `customer`. */
  path: string;
  /** The path of the join that it goes on from; absent for one from the table itself. */
  from?: string;
  /** The nearer table's column to this one's. */
  match: Readonly<Record<string, string>>;
  /** The collation that a nearer table's column is compared by, as SQL writes it, where the two columns have different ones. */
  collate?: Readonly<Record<string, string>>;
  columns: SourceColumns;
}

/**
 * What becomes of rows whose key the source no longer has:
 * - `mark`: they stay, and are marked
 * - `remove`: they are removed. Only of a table with the latest state alone, for what is removed of a history does not come back
 * - `keep`: they stay as they are; nothing looks for them
 */
export type Deletes = 'mark' | 'remove' | 'keep';

export interface SourceDefinition extends SourceName {
  key: readonly string[];
  columns: SourceColumns;
  /** Columns that the user keeps in the source on purpose. */
  excluded?: readonly string[];
  /** A census that lacks many keys is not held: the table may be emptied on purpose. */
  guard?: 'none';
  /** The column that an application sets when it changes a row. It is a hint: it brings rows forward, and rows are found without it. */
  changed?: string;
  joins?: readonly JoinDefinition[];
}

/** A source table that is kept in the ingested zone and goes no further by itself. */
export interface IngestedOnlyDefinition {
  kind: 'ingested only';
  source: SourceDefinition;
}

/** Latest state only: one row a business key. A table is a dimension that no fact references. */
export interface DimensionDefinition {
  kind: 'dimension' | 'table';
  name: string;
  /** The name that it had in an earlier model. */
  was?: string;
  source: SourceDefinition;
  /** Columns of the warehouse. */
  key: readonly string[];
  /** `mark` where it is absent. */
  deletes?: Deletes;
  /** It has every version that was captured, see versionsOf. Of a table alone. */
  history?: true;
  columns: Readonly<Record<string, ColumnDefinition>>;
}

/** Every version of a row that was captured, or the latest only. Its rows wait for the dimension rows that they reference. */
export interface FactDefinition {
  kind: 'fact';
  name: string;
  /** The name that it had in an earlier model. */
  was?: string;
  source: SourceDefinition;
  /** Columns of the warehouse. */
  key: readonly string[];
  /** `mark` where it is absent. */
  deletes?: Deletes;
  /** The columns of the warehouse that tell the versions of a key apart; none for the latest state. */
  versions: readonly string[];
  /** A number that the warehouse gives to each row. */
  surrogateKey?: string;
  columns: Readonly<Record<string, ColumnDefinition>>;
}

/** The dimension whose rows are made from dates alone, by `calendarRow`. */
export interface CalendarDefinition {
  kind: 'calendar';
  name: string;
  key: 'date_id';
  columns: Readonly<Record<string, { type: WarehouseType; nullable: false }>>;
}

export type TableDefinition =
  | IngestedOnlyDefinition
  | DimensionDefinition
  | FactDefinition
  | CalendarDefinition;

/** A whole model, as plain data. */
export interface ModelDefinition {
  name: string;
  tables: readonly TableDefinition[];
  lookups?: Lookups;
  migration?: MigrationDefinition;
}

/**
 * Of a model that is in force while tables are filled anew, next to those that readers see: the new ones are tables of it
 * like any other until they take the others' places.
 */
export interface MigrationDefinition {
  tables: readonly NextTable[];
  /** The hash of the model that was in force before. */
  from: string;
  /** The hash of the model that takes this one's place together with the tables. */
  target: string;
}

export interface NextTable {
  /** The table whose place is taken. */
  table: string;
  /** The table that is filled. */
  next: string;
}

/** Small tables of the model's own, by their names: what each text becomes. */
export type Lookups = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Defines a warehouse dimension. Everything else follows from it: source query, DDL, Parquet schema,
 * transform and merge.
 *
 * @example
 * export const table = defineDimension({ name: 'dim_payment_type', source: { table: 'payment_type', key:
 * ['payment_type_id'], columns: { payment_type_id: 'int4', … } }, key: ['payment_type_id'], columns: { payment_type_id:
 * int('payment_type_id'), payment_type_name: varchar('payment_type_name') }, });
 */
export const defineDimension = (definition: Omit<DimensionDefinition, 'kind'>): DimensionDefinition => ({
  kind: 'dimension',
  ...definition,
});

/** Defines a warehouse fact; see `defineDimension`. */
export const defineFact = (definition: Omit<FactDefinition, 'kind'>): FactDefinition => ({
  kind: 'fact',
  ...definition,
});

/** Defines the dimension of dates. Its columns are those that `calendarRow` fills. */
export const defineCalendar = (definition: Omit<CalendarDefinition, 'kind'>): CalendarDefinition => ({
  kind: 'calendar',
  ...definition,
});

/** Defines a source table that feeds no warehouse table by itself, such as one that is only joined. */
export const defineIngestedOnly = (source: SourceDefinition): IngestedOnlyDefinition => ({
  kind: 'ingested only',
  source,
});

/** The type as SQL writes it. */
export function formatType(type: WarehouseType): string {
  if (type.name === 'numeric') return `numeric(${type.precision},${type.scale})`;
  return type.name === 'carried' ? type.sql : type.name;
}

const column = (type: WarehouseType, from: Derivation, options: ColumnOptions = {}): ColumnDefinition => ({
  type,
  from,
  nullable: false,
  ...options,
});

const makerOf =
  (name: PlainTypeName) =>
  (field: string, options?: ColumnOptions): ColumnDefinition =>
    column({ name }, { kind: 'field', field }, options);

/** Of whole numbers: int2, int4, int8, oid, or a numeric without digits after the point. */
export const smallint = makerOf('smallint');
export const int = makerOf('int');
export const bigint = makerOf('bigint');

/** From a float4. */
export const real = makerOf('real');

/** From a float4 or a float8. */
export const doublePrecision = makerOf('double precision');

/** From a varchar, which stands for every text type, or an 'other'. */
export const varchar = makerOf('varchar');
export const text = makerOf('text');

/** From a bool. */
export const boolean = makerOf('boolean');

/** From a field of the same type. */
export const sameDate = makerOf('date');
export const time = makerOf('time');
export const timestamp = makerOf('timestamp');
export const timestamptz = makerOf('timestamptz');
export const uuid = makerOf('uuid');
export const bytea = makerOf('bytea');
export const json = makerOf('json');
export const jsonb = makerOf('jsonb');

/** Any type, from a field of any type: the warehouse reads the value's Postgres text as this type. */
export const carried = (sql: string, field: string, options?: ColumnOptions) =>
  column({ name: 'carried', sql }, { kind: 'field', field }, options);

/** The Postgres text of a field of any type. */
export const textOf = (field: string, options?: ColumnOptions) =>
  column({ name: 'text' }, { kind: 'text', field }, options);

/** A numeric(precision, scale), from a whole number or a numeric. */
export const numeric = (precision: number, scale: number, field: string, options?: ColumnOptions) =>
  column({ name: 'numeric', precision, scale }, { kind: 'field', field }, options);

/** A varchar 'YYYY-MM-DD' of the source as a date. */
export const date = (field: string) =>
  column({ name: 'date' }, { kind: 'date', field }, { references: 'dim_date' });

/** The date of a timestamp, as the source's clock shows it: no time zone is applied. */
export const dateOf = (field: string) =>
  column({ name: 'date' }, { kind: 'date of', field }, { references: 'dim_date' });

/** The time of day of a timestamp, to the microsecond. */
export const timeOf = (field: string) => column({ name: 'time' }, { kind: 'time of', field });

/**
 * A varchar, from a varchar that is looked up in one of the model's lookups.
 *
 * @param otherwise what a text that is not listed becomes; without it, its row is quarantined
 */
export const lookUp = (
  lookup: string,
  field: string,
  otherwise?: 'self' | 'null',
  options?: ColumnOptions,
): ColumnDefinition =>
  column(
    { name: 'varchar' },
    { kind: 'lookup', field, lookup, ...(otherwise !== undefined && { else: otherwise }) },
    options,
  );
