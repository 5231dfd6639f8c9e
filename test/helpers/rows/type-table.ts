import {
  bigint,
  boolean,
  bytea,
  type ColumnDefinition,
  carried,
  date,
  dateOf,
  doublePrecision,
  int,
  json,
  jsonb,
  lookUp,
  numeric,
  real,
  type SourceType,
  sameDate,
  smallint,
  text,
  textOf,
  time,
  timeOf,
  timestamp,
  timestamptz,
  uuid,
  varchar,
} from '../../../shared/model/define.ts';

/** Of the models that have these builders. */
export const lookups = { colours: { red: 'rouge' } };

/** Every builder of a warehouse column, and what Postgres itself makes of a value of the source for that column. */
export const builders = {
  smallint: { make: smallint, sql: 'value::text::numeric::smallint::text' },
  int: { make: int, sql: 'value::text::numeric::int::text' },
  bigint: { make: bigint, sql: 'value::text::numeric::bigint::text' },
  varchar: { make: varchar, sql: 'value::text' },
  text: { make: text, sql: 'value::text' },
  boolean: { make: boolean, sql: 'value::boolean::text' },
  numeric: { make: (field: string) => numeric(12, 2, field), sql: 'value::text::numeric(12,2)::text' },
  real: { make: real, sql: 'value::real::text' },
  doublePrecision: { make: doublePrecision, sql: 'value::double precision::text' },
  sameDate: { make: sameDate, sql: 'value::date::text' },
  time: { make: time, sql: `to_char(value::time, 'HH24:MI:SS.US')` },
  timestamp: { make: timestamp, sql: `to_char(value, 'YYYY-MM-DD HH24:MI:SS.US')` },
  timestamptz: { make: timestamptz, sql: `to_char(value at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')` },
  uuid: { make: uuid, sql: 'value::text' },
  bytea: { make: bytea, sql: 'value::text' },
  json: { make: json, sql: 'value::text' },
  jsonb: { make: jsonb, sql: 'value::text' },
  carried: { make: (field: string) => carried('integer[]', field), sql: 'value::text' },
  date: { make: date, sql: 'value::text::date::text' },
  dateOf: { make: dateOf, sql: `(value at time zone 'UTC')::date::text` },
  timeOf: { make: timeOf, sql: `to_char(value at time zone 'UTC', 'HH24:MI:SS.US')` },
  textOf: { make: textOf, sql: 'value::text' },
  lookUp: { make: (field: string) => lookUp('colours', field, 'self'), sql: 'value::text' },
} satisfies Record<string, { make: (field: string) => ColumnDefinition; sql: string }>;

export type BuilderName = keyof typeof builders;
export const builderNames = Object.keys(builders) as BuilderName[];

const whole: BuilderName[] = ['smallint', 'int', 'bigint', 'numeric'];
/** These take a field of any type. */
const any: BuilderName[] = ['carried', 'textOf'];

/** Which builders take a field of a source type. All others are refused. */
export const takenBy: Record<DeclaredType, BuilderName[]> = {
  int2: [...whole, ...any],
  int4: [...whole, ...any],
  int8: [...whole, ...any],
  oid: [...whole, ...any],
  'numeric(10,2)': ['numeric', ...any],
  'numeric(10,0)': [...whole, ...any],
  numeric: ['numeric', ...any],
  float4: ['real', 'doublePrecision', ...any],
  float8: ['doublePrecision', ...any],
  bool: ['boolean', ...any],
  varchar: ['varchar', 'text', 'date', 'lookUp', ...any],
  date: ['sameDate', ...any],
  time: ['time', ...any],
  timestamp: ['timestamp', 'dateOf', 'timeOf', ...any],
  timestamptz: ['timestamptz', 'dateOf', 'timeOf', ...any],
  uuid: ['uuid', ...any],
  bytea: ['bytea', ...any],
  json: ['json', ...any],
  jsonb: ['jsonb', ...any],
  other: ['varchar', 'text', ...any],
};

export type DeclaredType =
  | Exclude<SourceType, `numeric(${string}` | 'masked'>
  | 'numeric(10,2)'
  | 'numeric(10,0)';
export const declaredTypes = Object.keys(takenBy) as DeclaredType[];

const integers = ['smallint', 'integer', 'bigint'];
const numerics = ['numeric(10,2)', 'numeric(10,0)', 'numeric'];

/** Which types of a source column may stand for a declared one. All others are refused. */
export const standsFor: Record<DeclaredType, string[]> = {
  int2: integers,
  int4: integers,
  int8: integers,
  oid: ['oid'],
  'numeric(10,2)': numerics,
  'numeric(10,0)': numerics,
  numeric: numerics,
  float4: ['real'],
  float8: ['double precision'],
  bool: ['boolean'],
  varchar: ['text', 'character varying(40)', 'character(12)', 'name', 'citext', 'mood', 'short_text'],
  date: ['date'],
  time: ['time without time zone'],
  timestamp: ['timestamp without time zone'],
  timestamptz: ['timestamp with time zone'],
  uuid: ['uuid'],
  bytea: ['bytea'],
  json: ['json'],
  jsonb: ['jsonb'],
  other: ['integer[]', 'interval', 'inet', 'boolean', 'integer', 'pair', 'time with time zone'],
};

/** Types of Postgres, each with two values as SQL writes them. */
export const sourceValues: Record<string, [string, string]> = {
  smallint: ['-32768', '7'],
  integer: ['-32768', '32767'],
  bigint: ['-32768', '7041'],
  'numeric(10,2)': ['-0.01', '12.50'],
  'numeric(10,0)': ['-12', '7041'],
  numeric: ['-3', '12'],
  boolean: ['true', 'false'],
  text: [`'2024-02-29'`, `'0001-01-01'`],
  name: [`'2024-02-29'`, `'0001-01-01'`],
  citext: [`'2024-02-29'`, `'0001-01-01'`],
  mood: [`'2024-02-29'`, `'0001-01-01'`],
  short_text: [`'2024-02-29'`, `'0001-01-01'`],
  pair: [`'(1,"a, b")'`, `'(,)'`],
  inet: [`'::1'`, `'10.0.0.0/8'`],
  'time with time zone': [`'23:59:59.5+05:30'`, `'00:00:00-12'`],
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
