import fc from 'fast-check';
import {
  bigint,
  boolean,
  bytea,
  type ColumnDefinition,
  carried,
  doublePrecision,
  int as intOf,
  json,
  jsonb,
  numeric as numericOf,
  real,
  smallint,
  text as textOfSource,
  timestamp,
  timestamptz,
  uuid,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import type { TextRow } from '../../helpers/rows/text-rows.ts';

const nullable = { nullable: true };
const nullableDate: ColumnDefinition = {
  type: { name: 'date' },
  from: { kind: 'date of', field: 'moment' },
  nullable: true,
};
const nullableTime: ColumnDefinition = {
  type: { name: 'time' },
  from: { kind: 'time of', field: 'moment' },
  nullable: true,
};

export const everyType = {
  a_int: intOf('id', nullable),
  a_text: varchar('text', nullable),
  a_bool: boolean('flag', nullable),
  a_date: nullableDate,
  a_time: nullableTime,
  a_price: numericOf(10, 2, 'amount', nullable),
  a_count: numericOf(12, 0, 'amount', nullable),
  a_ratio: numericOf(15, 5, 'amount', nullable),
  a_wide: numericOf(38, 17, 'amount', nullable),
  a_small: smallint('small', nullable),
  a_big: bigint('big', nullable),
  a_real: real('single', nullable),
  a_double: doublePrecision('double', nullable),
  a_note: textOfSource('text', nullable),
  a_moment: timestamp('moment', nullable),
  an_instant: timestamptz('instant', nullable),
  a_uuid: uuid('uuid', nullable),
  some_bytes: bytea('bytes', nullable),
  a_json: json('json', nullable),
  a_jsonb: jsonb('jsonb', nullable),
  an_interval: carried('interval', 'other', nullable),
};

const model = assembleModel({
  name: 'test',
  tables: [
    calendar,
    {
      kind: 'dimension',
      name: 'dim_every_type',
      source: {
        table: 'every_type',
        key: ['id'],
        columns: {
          id: 'int4',
          text: 'varchar',
          flag: 'bool',
          amount: 'numeric(38,17)',
          moment: 'timestamp',
          small: 'int2',
          big: 'int8',
          single: 'float4',
          double: 'float8',
          instant: 'timestamptz',
          uuid: 'uuid',
          bytes: 'bytea',
          json: 'json',
          jsonb: 'jsonb',
          other: 'other',
        },
      },
      key: ['a_int'],
      columns: everyType,
    },
  ],
});
export const table = model.table('dim_every_type');

/** A number of at most this many digits, as Postgres writes it. */
export const numeric = (precision: number, scale: number) =>
  fc
    .oneof(
      fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
      fc.constantFrom(0n, 1n, -1n, 10n ** BigInt(precision) - 1n, 1n - 10n ** BigInt(precision)),
      fc.bigInt({ min: -20_000n, max: 20_000n }),
      fc.integer({ min: 0, max: precision - 1 }).map((zeros) => 10n ** BigInt(zeros)),
    )
    .map((unscaled) => {
      const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
      const point = digits.length - scale;
      const fraction = scale === 0 ? '' : `.${digits.slice(point)}`;
      return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
    });

const pad = (value: number, length: number) => String(value).padStart(length, '0');
const int = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31))).map(String);
const hostile = ['', '\\N', 'NULL', '"', "'", '\\', '\t\r\n', '\u2028', '😀', '\u0001', '\ufeff'];
const text = fc
  .oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', maxLength: 40 }))
  .map((characters) => characters.replaceAll('\u0000', '').toWellFormed());
const date = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((moment) => moment.toISOString().slice(0, 10));
const time = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999))
  .map(([h, m, s, us]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${us ? `.${pad(us, 6)}` : ''}`)
  .map((clock) => (clock.includes('.') ? clock.replace(/0+$/, '') : clock));
/** Without zeros at the end, as Postgres writes it. */
const moment = fc.tuple(date, time).map(([day, clock]) => `${day} ${clock}`);
const orNull = (values: fc.Arbitrary<string>) => fc.option(values, { nil: null, freq: 8 });

export const row: fc.Arbitrary<TextRow> = fc.record({
  a_int: orNull(int),
  a_text: orNull(text),
  a_bool: orNull(fc.constantFrom('true', 'false')),
  a_date: orNull(date),
  a_time: orNull(time),
  a_price: orNull(numeric(10, 2)),
  a_count: orNull(numeric(12, 0)),
  a_ratio: orNull(numeric(15, 5)),
  a_wide: orNull(numeric(38, 17)),
  a_small: orNull(fc.integer({ min: -32_768, max: 32_767 }).map(String)),
  a_big: orNull(
    fc
      .oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 53n) - 1n, -1n, 2n ** 32n),
      )
      .map(String),
  ),
  a_real: orNull(fc.constantFrom('0', '-0', '1.5', 'NaN', 'Infinity', '-Infinity', '3.4028235e+38', '1e-45')),
  a_double: orNull(
    fc.constantFrom('0', '-0', '0.1', 'NaN', 'Infinity', '-Infinity', '1.7976931348623157e+308', '5e-324'),
  ),
  a_note: orNull(text),
  a_moment: orNull(fc.oneof(moment, fc.constantFrom('infinity', '-infinity'))),
  an_instant: orNull(
    fc.oneof(
      moment.map((at) => `${at}+00`),
      fc.constantFrom('infinity', '-infinity'),
    ),
  ),
  a_uuid: orNull(fc.uuid()),
  some_bytes: orNull(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  ),
  a_json: orNull(fc.constantFrom('{"a": 1, "a": 2}', '[\n1]', '"x"', '1e400')),
  a_jsonb: orNull(fc.constantFrom('{"a": 1}', '[null]', '"x"')),
  an_interval: orNull(fc.constantFrom('1 day', '1 mon', '-00:00:00.5', '30 days')),
});
