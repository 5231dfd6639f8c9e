import fc from 'fast-check';
import {
  boolean,
  date,
  dateOf,
  defineFact,
  int,
  numeric,
  timeOf,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar as dimDate } from '../../helpers/models/calendar.ts';
import type { ParquetRow } from '../../helpers/rows/parquet-rows.ts';

/** A fact with a column of every type, wide decimals and nulls among them. */
const definition = defineFact({
  name: 'fact_everything',
  source: {
    table: 'everything',
    key: ['id'],
    columns: {
      id: 'int4',
      big: 'int8',
      maybe: 'int4?',
      price: 'numeric(10,2)',
      amount: 'numeric(18,4)',
      huge: 'numeric(38,10)?',
      whole: 'numeric(5,0)',
      text: 'varchar',
      note: 'varchar?',
      unused: 'numeric(30,3)',
      flag: 'bool',
      due: 'varchar',
      last_updated: 'timestamp',
      'other "name"': 'bool?',
    },
  },
  key: ['id'],
  versions: ['last_updated_date', 'last_updated_time'],
  surrogateKey: 'record_id',
  columns: {
    id: int('id'),
    big: int('big'),
    maybe: int('maybe', { nullable: true }),
    price: numeric(10, 2, 'price'),
    amount: numeric(18, 4, 'amount'),
    huge: numeric(38, 10, 'huge', { nullable: true }),
    whole: numeric(5, 0, 'whole'),
    text: varchar('text'),
    note: varchar('note', { nullable: true }),
    flag: boolean('flag'),
    due: date('due'),
    last_updated_date: dateOf('last_updated'),
    last_updated_time: timeOf('last_updated'),
    other: boolean('other "name"', { nullable: true }),
  },
});

export const model = assembleModel({ name: 'test', tables: [definition, dimDate] });

const int4 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)));

const decimal = (precision: number, scale: number): fc.Arbitrary<string> => {
  const most = 10n ** BigInt(precision) - 1n;
  const unscaled = fc.oneof(fc.bigInt({ min: -most, max: most }), fc.constantFrom(most, -most, 0n, 1n, -1n));
  return unscaled.map((value) => {
    const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
    const point = digits.length - scale;
    return `${value < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`;
  });
};

/** Every character that Postgres takes: all of Unicode but U+0000. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.replaceAll('\0', '')),
  fc.constantFrom(
    '',
    ' ',
    'NULL',
    '\\N',
    '"',
    '\\',
    '\ufeffBOM',
    '\u2028',
    '😀',
    '\u0001\u001f\u007f',
    'null',
    "'",
  ),
);

const day = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((value) => value.toISOString().slice(0, 10));
const time = fc
  .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 999_999 }))
  .map(
    ([second, micros]) =>
      `${new Date(second * 1000).toISOString().slice(11, 19)}.${String(micros).padStart(6, '0')}`,
  );

/** A row as it is to land. */
export const row: fc.Arbitrary<ParquetRow> = fc.record({
  id: int4,
  big: int4,
  maybe: fc.option(int4),
  price: decimal(10, 2),
  amount: decimal(18, 4),
  huge: fc.option(decimal(38, 10)),
  whole: decimal(5, 0),
  text,
  note: fc.option(text),
  flag: fc.boolean(),
  due: day,
  last_updated_date: day,
  last_updated_time: time,
  other: fc.option(fc.boolean()),
});

/** The row as an extract writes it: no trailing zeros in a second's fraction. */
export function toLine(values: ParquetRow): string {
  const seconds = String(values.last_updated_time).replace(/\.?0{1,6}$/, '');
  const texts = {
    id: values.id,
    big: values.big,
    maybe: values.maybe,
    price: values.price,
    amount: values.amount,
    huge: values.huge,
    whole: values.whole,
    text: JSON.stringify(values.text),
    note: JSON.stringify(values.note),
    unused: '123456789012345678901234567.891',
    flag: values.flag,
    due: `"${values.due}"`,
    last_updated: `"${values.last_updated_date}T${seconds}"`,
    'other "name"': values.other,
  };
  return `{${Object.entries(texts)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join(',')}}\n`;
}
