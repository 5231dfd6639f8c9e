import fc from 'fast-check';
import {
  boolean,
  type ColumnDefinition,
  int as intOf,
  numeric as numericOf,
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
        columns: { id: 'int4', text: 'varchar', flag: 'bool', amount: 'numeric(38,17)', moment: 'timestamp' },
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
});
