import { describe, expect, it } from '@jest/globals';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import {
  type ColumnDefinition,
  type Derivation,
  defineDimension,
  type SourceType,
  sameDate,
  text,
  type WarehouseType,
} from '../../../shared/model/define.ts';
import { assembleModel, type Dimension } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { cutAnywhere } from '../../helpers/rows/cut-anywhere.ts';
import { type Cell, readParquetRows } from '../../helpers/rows/parquet-rows.ts';

type Name = Exclude<WarehouseType['name'], 'numeric' | 'carried'>;
type Made = ColumnDefinition['type'] | Name;

const lands = (value: Cell) => ({ value });
const isBad = (reason: string) => ({ reason });

/** What an extract writes (as row_to_json of Postgres 18 does), and what becomes of it. Both written by hand. */
const pairs: [SourceType, Derivation['kind'], Made, string, { value: Cell } | { reason: string }][] = [
  ['int2', 'field', 'smallint', '-32768', lands(-32_768)],
  ['int4', 'field', 'smallint', '32768', isBad('is beyond the range of a smallint')],
  ['int8', 'field', 'int', '2147483648', isBad('is beyond the range of an int')],
  ['int4', 'field', 'bigint', '2147483647', lands('2147483647')],
  ['int8', 'field', 'bigint', '-9223372036854775808', lands('-9223372036854775808')],
  ['int8', 'field', 'bigint', '9007199254740993', lands('9007199254740993')],
  ['numeric(20,0)', 'field', 'bigint', '9223372036854775808', isBad('is beyond the range of a bigint')],
  ['oid', 'field', 'bigint', '4294967295', lands('4294967295')],
  ['int8', 'text', 'text', '-9223372036854775808', lands('-9223372036854775808')],
  ['numeric', 'field', { name: 'numeric', precision: 6, scale: 2 }, '1234.50', lands('1234.50')],
  ['numeric', 'field', { name: 'numeric', precision: 6, scale: 2 }, '1.5000', lands('1.50')],
  [
    'numeric',
    'field',
    { name: 'numeric', precision: 6, scale: 2 },
    '1.505',
    isBad('has more than 2 digits after the point'),
  ],
  [
    'numeric',
    'field',
    { name: 'numeric', precision: 6, scale: 2 },
    '12345',
    isBad('has more than 4 digits before the point'),
  ],
  ['numeric(6,2)', 'field', { name: 'numeric', precision: 6, scale: 2 }, '"NaN"', isBad('is NaN')],
  ['numeric', 'field', { name: 'numeric', precision: 6, scale: 2 }, '"-Infinity"', isBad('is infinite')],
  ['numeric', 'field', { name: 'carried', sql: 'numeric' }, '"NaN"', lands('NaN')],
  ['numeric', 'field', { name: 'carried', sql: 'numeric' }, '1.500', lands('1.500')],
  ['numeric', 'field', { name: 'carried', sql: 'numeric' }, '9'.repeat(130_000), lands('9'.repeat(130_000))],
  ['numeric', 'field', { name: 'carried', sql: 'numeric' }, '"12"', isBad('is not text')],
  ['float4', 'field', 'real', '0.1', lands(Math.fround(0.1))],
  ['float4', 'field', 'double precision', '0.1', lands(0.10000000149011612)],
  ['float4', 'field', 'real', '1e-45', lands(1.401298464324817e-45)],
  ['float8', 'field', 'double precision', '0.30000000000000004', lands(0.30000000000000004)],
  ['float8', 'field', 'double precision', '-0', lands(-0)],
  ['float8', 'field', 'double precision', '1e+23', lands(1e23)],
  ['float8', 'field', 'double precision', '5e-324', lands(5e-324)],
  ['float8', 'field', 'double precision', '"NaN"', lands(Number.NaN)],
  ['float8', 'field', 'double precision', '"-Infinity"', lands(Number.NEGATIVE_INFINITY)],
  ['float8', 'field', 'double precision', '1e400', isBad('is beyond the range of a float8')],
  ['float8', 'text', 'text', '1e-07', lands('1e-07')],
  ['bool', 'field', 'boolean', 'true', lands(true)],
  ['bool', 'text', 'text', 'false', lands('false')],
  ['varchar', 'field', 'text', '"\\u001f\\"\\\\ é😀"', lands('\u001f"\\ é😀')],
  ['varchar', 'field', 'varchar', '"\\u0000"', isBad('holds U+0000')],
  ['date', 'field', 'date', '"2024-02-29"', lands('2024-02-29')],
  ['date', 'field', 'date', '"0001-12-31 BC"', lands('0000-12-31')],
  ['date', 'field', 'date', '"infinity"', lands('2147483647 days')],
  ['date', 'field', 'date', '"-infinity"', lands('-2147483648 days')],
  ['date', 'field', 'date', '"5874897-12-31"', lands('2145042905 days')],
  ['date', 'field', 'date', '"2023-02-29"', isBad('is not a date')],
  ['time', 'field', 'time', '"24:00:00"', lands('24:00:00.000000')],
  ['time', 'field', 'time', '"23:59:59.000001"', lands('23:59:59.000001')],
  ['timestamp', 'field', 'timestamp', '"2024-02-29T23:59:59.999999"', lands('2024-02-29 23:59:59.999999')],
  ['timestamp', 'field', 'timestamp', '"1969-12-31T23:59:59.999999"', lands('1969-12-31 23:59:59.999999')],
  ['timestamp', 'field', 'timestamp', '"-infinity"', lands('-infinity')],
  [
    'timestamp',
    'field',
    'timestamp',
    '"294276-12-31T23:59:59"',
    isBad('is after 294247-01-10, where 64 bits of microseconds end'),
  ],
  ['timestamp', 'date of', 'date', '"294276-12-31T23:59:59"', lands('106762939 days')],
  ['timestamp', 'date of', 'date', '"infinity"', lands('2147483647 days')],
  ['timestamp', 'time of', 'time', '"infinity"', isBad('is infinite')],
  ['timestamp', 'time of', 'time', '"0044-03-15T12:00:00.5 BC"', lands('12:00:00.500000')],
  ['timestamp', 'text', 'text', '"0044-03-15T12:00:00.5 BC"', lands('0044-03-15 12:00:00.5 BC')],
  [
    'timestamptz',
    'field',
    'timestamptz',
    '"2024-02-29T23:59:59.5+00:00"',
    lands('2024-02-29 23:59:59.500000'),
  ],
  ['timestamptz', 'field', 'timestamptz', '"2024-02-29T23:59:59.5+05:30"', isBad('is not a timestamp')],
  ['timestamptz', 'date of', 'date', '"2024-02-29T23:59:59.5+00:00"', lands('2024-02-29')],
  ['timestamptz', 'time of', 'time', '"2024-02-29T23:59:59.5+00:00"', lands('23:59:59.500000')],
  ['timestamptz', 'text', 'text', '"2024-02-29T23:59:59.5+00:00"', lands('2024-02-29 23:59:59.5+00')],
  ['timestamptz', 'text', 'text', '"0044-03-15T12:00:00+00:00 BC"', lands('0044-03-15 12:00:00+00 BC')],
  [
    'uuid',
    'field',
    'uuid',
    '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
    lands('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  ],
  ['uuid', 'field', 'uuid', '"a0eebc999c0b4ef8bb6d6bb9bd380a11"', isBad('is not a uuid')],
  ['bytea', 'field', 'bytea', '"\\\\x00ff5c22"', lands('\\x00ff5c22')],
  ['bytea', 'field', 'bytea', '"\\\\x0"', isBad('is not a bytea')],
  ['bytea', 'text', 'text', '"\\\\x00ff"', lands('\\x00ff')],
  ['json', 'field', 'json', '"{\\n\\"a\\": 1, \\"a\\": 1e400}"', lands('{\n"a": 1, "a": 1e400}')],
  ['jsonb', 'field', 'jsonb', '"{\\"a\\": 1.50}"', lands('{"a": 1.50}')],
  [
    'other',
    'field',
    { name: 'carried', sql: 'text[]' },
    '"{NULL,\\"a,\\\\\\"b\\"}"',
    lands('{NULL,"a,\\"b"}'),
  ],
  ['other', 'field', { name: 'carried', sql: 'interval' }, '"1 mon -00:00:00.5"', lands('1 mon -00:00:00.5')],
];

const tableOf = (type: SourceType, column: ColumnDefinition): Dimension => {
  const source = { table: 'thing', key: ['id'], columns: { id: 'varchar', v: `${type}?` } as const };
  const definition = defineDimension({
    name: 'dim_thing',
    source,
    key: ['id'],
    columns: { id: text('id'), v: column },
  });
  const table = assembleModel({ name: 'test', tables: [calendar, definition] }).table('dim_thing');
  if (table.kind !== 'dimension') throw new Error('the table is no dimension');
  return table;
};

const transform = async (table: Dimension, value: string, scan: boolean) => {
  const lines = Buffer.from(`{"id":"a","v":${value}}\n{"id":"b","v":null}\n`);
  const made = await transformRows(cutAnywhere(lines, [65_536]), table, undefined, { scan });
  const [first, second] = await readParquetRows(made.parquet);
  if (made.quarantine.rows === 0) {
    expect(second).toEqual({ id: 'b', v: null });
    return { value: first?.v };
  }
  expect([first, second]).toEqual([{ id: 'b', v: null }, undefined]);
  const { column, reason } = JSON.parse(Buffer.from(made.quarantine.toFile()).toString());
  expect(column).toBe('v');
  return { reason };
};

describe('a value of the ingested zone becomes a cell, or a bad row:', () => {
  const titled = pairs.map((pair) => [JSON.stringify(pair).slice(1, 100), ...pair] as const);
  it.each(titled)('%s', async (_, type, kind, made, value, expected) => {
    const column: ColumnDefinition = {
      type: typeof made === 'string' ? { name: made } : made,
      from: { kind, field: 'v' },
      nullable: true,
    };
    const table = tableOf(type, column);
    expect(await transform(table, value, true)).toEqual(expected);
    expect(await transform(table, value, false)).toEqual(expected);
  });

  it.each([
    ['infinity', 'is infinite'],
    ['0001-12-31 BC', 'is before the year 1'],
    ['10000-01-01', 'is after the year 9999'],
  ])('is a bad row where it is the day %s of a calendar', async (day, reason) => {
    const table = tableOf('date', sameDate('v', { nullable: true, references: 'dim_date' }));
    const line = Buffer.from(`{"id":"a","v":"${day}"}\n`);
    const { calendar: dates } = assembleModel({ name: 'test', tables: [calendar] });
    const made = await transformRows(cutAnywhere(line, [9]), table, dates);
    expect(Buffer.from(made.quarantine.toFile()).toString()).toContain(`"reason":"${reason}"`);
  });
});
