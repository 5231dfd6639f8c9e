import fc from 'fast-check';
import {
  bigint,
  boolean,
  bytea,
  carried,
  date,
  dateOf,
  defineFact,
  doublePrecision,
  int,
  json,
  jsonb,
  numeric,
  real,
  sameDate,
  smallint,
  text as textAsIs,
  textOf,
  time as timeAsIs,
  timeOf,
  timestamp,
  timestamptz,
  uuid,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar as dimDate } from '../../helpers/models/calendar.ts';
import type { Cell, ParquetRow } from '../../helpers/rows/parquet-rows.ts';

/** Not of the calendar, where a null is no date. */
const unrelated = { nullable: true, references: 'dim_date' } as const;

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
      small: 'int2?',
      wide: 'int8',
      object: 'oid',
      single: 'float4?',
      double: 'float8',
      label: 'varchar?',
      day: 'date',
      clock: 'time?',
      moment: 'timestamp?',
      instant: 'timestamptz',
      ident: 'uuid?',
      bytes: 'bytea?',
      document: 'json',
      binary: 'jsonb?',
      exact: 'numeric',
      span: 'other?',
      code: 'int8',
      other_ident: 'uuid',
      unused_double: 'float8?',
      unused_span: 'other?',
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
    small: smallint('small', { nullable: true }),
    wide: bigint('wide'),
    object: bigint('object'),
    single: real('single', { nullable: true }),
    double: doublePrecision('double'),
    label: textAsIs('label', { nullable: true }),
    day: sameDate('day'),
    clock: timeAsIs('clock', { nullable: true }),
    moment: timestamp('moment', { nullable: true }),
    moment_day: { ...dateOf('moment'), ...unrelated },
    moment_time: { ...timeOf('moment'), nullable: true },
    instant: timestamptz('instant'),
    instant_day: { type: { name: 'date' }, from: { kind: 'date of', field: 'instant' }, nullable: false },
    ident: uuid('ident', { nullable: true }),
    bytes: bytea('bytes', { nullable: true }),
    document: json('document'),
    binary: jsonb('binary', { nullable: true }),
    exact: carried('numeric', 'exact'),
    span: carried('interval', 'span', { nullable: true }),
    code: textOf('code'),
    other_ident: textOf('other_ident'),
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

const int8 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer({ min: 14, max: 18 }).map((digits) => 10n ** BigInt(digits)),
  fc.constantFrom(0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 32n, -(10n ** 15n), 10n ** 15n - 1n),
);
const moment = fc.tuple(day, time).map(([date, clock]) => `${date} ${clock}`);
const finite = { noNaN: true, noDefaultInfinity: true };
const decimalText = fc.oneof(
  decimal(38, 10),
  fc.constantFrom('NaN', '-Infinity', '0', `${'9'.repeat(500)}.5`, '1.500'),
);

/** A row as it is to land. */
const basics: fc.Arbitrary<ParquetRow> = fc.record({
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

const others: fc.Arbitrary<ParquetRow> = fc
  .record({
    small: fc.option(fc.integer({ min: -32_768, max: 32_767 })),
    wide: int8.map(String),
    object: fc.constantFrom('0', '4294967295'),
    single: fc.option(fc.oneof(fc.float(finite), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY))),
    double: fc.oneof(
      fc.double(finite),
      fc.constantFrom(-0, 0.1, 1e22, 1e23, 5e-324, Number.NEGATIVE_INFINITY),
    ),
    label: fc.option(text),
    day,
    clock: fc.option(fc.oneof(time, fc.constant('24:00:00.000000'))),
    moment: fc.option(moment),
    instant: moment,
    ident: fc.option(fc.uuid()),
    bytes: fc.option(
      fc.uint8Array({ maxLength: 9 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
    ),
    document: text,
    binary: fc.option(text),
    exact: decimalText,
    span: fc.option(text),
    code: int8.map(String),
    other_ident: fc.uuid(),
  })
  .map((values) => ({
    ...values,
    moment_day: values.moment?.slice(0, 10) ?? null,
    moment_time: values.moment?.slice(11) ?? null,
    instant_day: values.instant.slice(0, 10),
  }));

export const row: fc.Arbitrary<ParquetRow> = fc
  .tuple(basics, others)
  .map((parts): ParquetRow => Object.assign({}, ...parts));

const withoutZeros = (time: Cell | undefined): string => String(time).replace(/\.?0{1,6}$/, '');

const floatText = (value: Cell | undefined): string => {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) || value === null ? String(value) : JSON.stringify(String(value));
};

/** The row as an extract writes it: no trailing zeros in a second's fraction. */
export function toLine(values: ParquetRow): string {
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
    last_updated: `"${values.last_updated_date}T${withoutZeros(values.last_updated_time)}"`,
    'other "name"': values.other,
    small: values.small,
    wide: values.wide,
    object: values.object,
    single: floatText(values.single),
    double: floatText(values.double),
    label: JSON.stringify(values.label),
    day: `"${values.day}"`,
    clock: values.clock && `"${withoutZeros(values.clock)}"`,
    moment: values.moment && `"${withoutZeros(values.moment).replace(' ', 'T')}"`,
    instant: `"${withoutZeros(values.instant).replace(' ', 'T')}+00:00"`,
    ident: JSON.stringify(values.ident),
    bytes: JSON.stringify(values.bytes),
    document: JSON.stringify(values.document),
    binary: JSON.stringify(values.binary),
    exact: /\d/.test(String(values.exact)) ? values.exact : JSON.stringify(values.exact),
    span: JSON.stringify(values.span),
    code: values.code,
    other_ident: JSON.stringify(values.other_ident),
    unused_double: floatText(values.single),
    unused_span: JSON.stringify(values.span),
  };
  return `{${Object.entries(texts)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join(',')}}\n`;
}
