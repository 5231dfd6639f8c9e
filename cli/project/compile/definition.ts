/**
 * The inner form of a model: plain data, which YAML compiles to.
 *
 * What an extract reads. 'varchar' stands for every text type, 'other' for a type whose values travel as Postgres' own text.
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
  | 'other';

export type SourceColumnType = SourceType | `${SourceType}?`;

export type WarehouseType =
  | {
      name:
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
    }
  | { name: 'numeric'; precision: number; scale: number }
  | { name: 'carried'; sql: string };

export interface Derivation {
  kind: 'field' | 'date' | 'date of' | 'time of' | 'text' | 'lookup';
  field: string;
  lookup?: string;
  else?: 'self' | 'null';
}

export interface ColumnDefinition {
  type: WarehouseType;
  from: Derivation;
  nullable: boolean;
  references?: string;
}

export interface JoinDefinition {
  path: string;
  from?: string;
  schema?: string;
  table: string;
  match: Record<string, string>;
  columns: Record<string, SourceColumnType>;
}

export interface SourceDefinition {
  schema?: string;
  table: string;
  key: readonly string[];
  columns: Record<string, SourceColumnType>;
  joins?: readonly JoinDefinition[];
}

export interface IngestedOnlyDefinition {
  kind: 'ingested only';
  source: SourceDefinition;
}

export interface DimensionDefinition {
  kind: 'dimension' | 'table';
  name: string;
  source: SourceDefinition;
  key: readonly string[];
  columns: Record<string, ColumnDefinition>;
}

export interface FactDefinition {
  kind: 'fact';
  name: string;
  source: SourceDefinition;
  key: readonly string[];
  surrogateKey?: string;
  versions: readonly string[];
  columns: Record<string, ColumnDefinition>;
}

export interface CalendarDefinition {
  kind: 'calendar';
  name: string;
  key: 'date_id';
  columns: Record<string, { type: WarehouseType; nullable: false }>;
}

export type TableDefinition =
  | IngestedOnlyDefinition
  | DimensionDefinition
  | FactDefinition
  | CalendarDefinition;

export interface ModelDefinition {
  name: string;
  tables: readonly TableDefinition[];
  lookups: Record<string, Record<string, string>>;
}
