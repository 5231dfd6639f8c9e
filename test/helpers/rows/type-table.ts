import {
  boolean,
  type ColumnDefinition,
  currencyName,
  date,
  dateOf,
  int,
  numeric,
  timeOf,
  varchar,
} from '../../../shared/model/define.ts';

/** Every builder of a warehouse column, and what Postgres itself makes of a value of the source for that column. */
export const builders = {
  int: { make: int, sql: 'value::int::text' },
  varchar: { make: varchar, sql: 'value::text' },
  boolean: { make: boolean, sql: 'value::boolean::text' },
  numeric: { make: (field: string) => numeric(12, 2, field), sql: 'value::numeric(12,2)::text' },
  date: { make: date, sql: 'value::date::text' },
  dateOf: { make: dateOf, sql: 'value::date::text' },
  timeOf: { make: timeOf, sql: `to_char(value::time, 'HH24:MI:SS.US')` },
  currencyName: { make: currencyName, sql: 'value::text' },
} satisfies Record<string, { make: (field: string) => ColumnDefinition; sql: string }>;

export type BuilderName = keyof typeof builders;
export const builderNames = Object.keys(builders) as BuilderName[];

/** Which builders take a field of a source type. All others are refused. */
export const takenBy: Record<DeclaredType, BuilderName[]> = {
  int4: ['int', 'numeric'],
  int8: ['int', 'numeric'],
  'numeric(10,2)': ['numeric'],
  'numeric(10,0)': ['int', 'numeric'],
  bool: ['boolean'],
  varchar: ['varchar', 'date', 'currencyName'],
  timestamp: ['dateOf', 'timeOf'],
};

export type DeclaredType =
  | 'int4'
  | 'int8'
  | 'numeric(10,2)'
  | 'numeric(10,0)'
  | 'bool'
  | 'varchar'
  | 'timestamp';
export const declaredTypes = Object.keys(takenBy) as DeclaredType[];

/** Which types of a source column may stand for a declared one. All others are refused. */
export const standsFor: Record<DeclaredType, string[]> = {
  int4: ['smallint', 'integer', 'bigint'],
  int8: ['smallint', 'integer', 'bigint'],
  'numeric(10,2)': ['numeric(10,2)', 'numeric(10,0)', 'numeric'],
  'numeric(10,0)': ['numeric(10,2)', 'numeric(10,0)', 'numeric'],
  bool: ['boolean'],
  varchar: ['text', 'character varying(40)', 'character(12)'],
  timestamp: ['timestamp without time zone'],
};

/** Types of Postgres, each with two values as SQL writes them. */
export const sourceValues: Record<string, [string, string]> = {
  smallint: ['-32768', '7'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-2147483648', '70417'],
  'numeric(10,2)': ['-0.01', '12.50'],
  'numeric(10,0)': ['-12', '70417'],
  numeric: ['-3', '12'],
  boolean: ['true', 'false'],
  text: [`'2024-02-29'`, `'0001-01-01'`],
  'character varying(40)': [`'2024-02-29'`, `'9999-12-31'`],
  'character(12)': [`'2024-02-29'`, `'1970-01-01'`],
  'timestamp without time zone': [`'2024-02-29 23:59:59.999999'`, `'0001-01-01 00:00:00'`],
  'timestamp with time zone': [`'2024-02-29 23:59:59+00'`, `'2024-02-29 00:00:00+00'`],
  date: [`'2024-02-29'`, `'1970-01-01'`],
  'time without time zone': [`'23:59:59'`, `'00:00:00'`],
  interval: [`'1 day'`, `'2 days'`],
  real: ['1', '2'],
  'double precision': ['1', '2'],
  money: ['1', '2'],
  uuid: [`'00000000-0000-0000-0000-000000000000'`, `'00000000-0000-0000-0000-000000000001'`],
  bytea: [`'a'`, `'b'`],
  json: [`'1'`, `'2'`],
  jsonb: [`'1'`, `'2'`],
  'integer[]': [`'{1}'`, `'{2}'`],
  oid: ['1', '2'],
};
