import fc from 'fast-check';
import type { SourceType, WarehouseType } from '../../../shared/model/define.ts';

/** A type of a source column, what the model makes of it, and values that are hard to carry. */
export interface TypeCase {
  /** Of the source. */
  sql: string;
  declared: SourceType;
  warehouse: WarehouseType;
  /** As Postgres reads them. */
  values: fc.Arbitrary<string>;
  /** Each of them is tried every time. */
  extremes: string[];
  /** An SQL condition: the warehouse's type cannot hold the value v. */
  unfit?: string;
}

const controls = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1));
const hostileTexts = [
  ...['', ' ', 'NULL', '\\N', '\\.', '\\', '"', "'", '{}', '{"a"', ',', '\t\r\n', 'null', '\\u0000', '\\x41'],
  ...[
    '\u0080',
    '\u2028',
    '\u0301',
    '👩‍👩‍👧',
    '\ufeff',
    '\ufffd',
    '\u{10ffff}',
    "it's",
    '$$',
    '%',
    'é'.repeat(3000),
  ],
  ...controls,
];
const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.array(fc.constantFrom(...hostileTexts, 'a', 'b c'), { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.replaceAll('\0', '')),
);
const short = (characters: number) =>
  text.map((value) => [...value.replaceAll(/[\ud800-\udfff]/gu, '')].slice(0, characters).join(''));
const bigInt = (bits: bigint) =>
  fc.oneof(
    fc.bigInt({ min: -(2n ** bits), max: 2n ** bits - 1n }),
    fc.bigInt({ min: -99n, max: 99n }),
    fc.integer({ min: 0, max: Number(bits) - 1 }).map((power) => 2n ** BigInt(power)),
  );

const two = (part: number) => String(part).padStart(2, '0');
const clock = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.oneof(fc.constant(0), fc.nat(999_999)))
  .map(([h, m, s, us]) => `${two(h)}:${two(m)}:${two(s)}.${String(us).padStart(6, '0')}`);
const dayOf = (least: number, greatest: number, era = '') =>
  fc
    .tuple(
      fc.integer({ min: least, max: greatest }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 28 }),
    )
    .map(([y, m, d]) => ({ day: `${String(y).padStart(4, '0')}-${two(m)}-${two(d)}`, era }));
const day = fc.oneof(
  { weight: 4, arbitrary: dayOf(1, 9999) },
  { weight: 1, arbitrary: dayOf(10_000, 294_275) },
  { weight: 1, arbitrary: dayOf(1, 4712, ' BC') },
);
const moment = fc.tuple(day, clock).map(([{ day, era }, time]) => `${day} ${time}${era}`);
const zone = fc.constantFrom('+00', '+05:30', '-09:30', '+14', '-00:01:15');
const instant = fc.tuple(day, clock, zone).map(([{ day, era }, time, at]) => `${day} ${time}${at}${era}`);
const moments = [
  'infinity',
  '-infinity',
  '4713-01-01 00:00:00 BC',
  '1999-12-31 23:59:59.999999',
  '1969-12-31 23:59:59.999999',
  '294247-01-10 04:00:54.775806',
  '294247-01-10 04:00:54.775807',
  '294276-12-31 23:59:59.999999',
  '0001-01-01 00:00:00',
  '0001-12-31 23:59:59.999999 BC',
];
const beyondInt64 = `isfinite(v) and v >= '294247-01-10 04:00:54.775807+00'`;
const special = ['NaN', 'Infinity', '-Infinity'];
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Object.is(value, -0) ? '-0' : String(value)));
const single = fc
  .float({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Object.is(value, -0) ? '-0' : String(value)));
const decimal = (precision: number, scale: number) =>
  fc
    .bigInt({ min: 1n - 10n ** BigInt(precision), max: 10n ** BigInt(precision) - 1n })
    .map((unscaled) => `${unscaled}e-${scale}`);
const nines = (precision: number, scale: number) => `${'9'.repeat(precision)}e-${scale}`;
const json = fc.jsonValue().map((value) => JSON.stringify(value).replaceAll('\\u0000', ''));
const quoted = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
const arrayOf = (values: fc.Arbitrary<string>) =>
  fc
    .array(fc.option(values.map(quoted), { nil: 'NULL' }), { maxLength: 5 })
    .map((elements) => `{${elements.join(',')}}`);
const one = (...values: string[]) => fc.constantFrom(...values);

/** A type that the zones have a type for. */
const exact = (
  sql: string,
  declared: SourceType,
  warehouse: WarehouseType,
  values: fc.Arbitrary<string>,
  extremes: string[] = [],
  unfit?: string,
): TypeCase => ({ sql, declared, warehouse, values, extremes, ...(unfit !== undefined && { unfit }) });

const carried = (
  sql: string,
  extremes: string[],
  values: fc.Arbitrary<string> = one(...extremes),
): TypeCase => exact(sql, 'other', { name: 'carried', sql }, values, extremes);

/** A type of the source's own, which the warehouse has as text. */
const own = (sql: string, declared: SourceType, extremes: string[], values = one(...extremes)): TypeCase =>
  exact(sql, declared, { name: 'text' }, values, extremes);

/** Labels of the enum `mood`. */
const moods = ['so"so', "it's", 'back\\slash', 'ha\tppy', '🙂', ''];

/** The types of the source's own. */
export const ownTypes = `
  create extension citext;
  create type mood as enum (${moods.map((mood) => `'${mood.replaceAll("'", "''")}'`).join(', ')});
  create domain short_text as varchar(10);
  create domain price as numeric(5,2) check (value is distinct from 13);
  create domain moment as timestamptz;
  create type pair as (a int, b text)`;

export const typeCases: TypeCase[] = [
  exact('smallint', 'int2', { name: 'smallint' }, bigInt(15n).map(String), ['-32768', '32767', '0']),
  exact('integer', 'int4', { name: 'int' }, bigInt(31n).map(String), ['-2147483648', '2147483647']),
  exact('bigint', 'int8', { name: 'bigint' }, bigInt(63n).map(String), [
    '-9223372036854775808',
    '9223372036854775807',
    '9007199254740993',
    '-999999999999999',
    '1000000000000000',
  ]),
  exact(
    'bigint',
    'int8',
    { name: 'int' },
    bigInt(33n).map(String),
    ['2147483648'],
    'v not between -2147483648 and 2147483647',
  ),
  exact('oid', 'oid', { name: 'bigint' }, one('0', '1', '4294967295'), ['4294967295']),
  exact(
    'numeric(10,2)',
    'numeric(10,2)',
    { name: 'numeric', precision: 10, scale: 2 },
    decimal(10, 2),
    ['NaN', nines(10, 2), '-0.01', '0'],
    `v = 'NaN'`,
  ),
  exact(
    'numeric(38,10)',
    'numeric(38,10)',
    { name: 'numeric', precision: 38, scale: 10 },
    decimal(38, 10),
    ['NaN', nines(38, 10), `-${nines(38, 10)}`],
    `v = 'NaN'`,
  ),
  exact('numeric(38,0)', 'numeric(38,0)', { name: 'numeric', precision: 38, scale: 0 }, decimal(38, 0), [
    nines(38, 0),
  ]),
  exact('numeric(18,18)', 'numeric(18,18)', { name: 'numeric', precision: 18, scale: 18 }, decimal(18, 18), [
    '0',
    nines(18, 18),
  ]),
  exact(
    'numeric',
    'numeric',
    { name: 'numeric', precision: 12, scale: 2 },
    decimal(12, 2),
    ['NaN', 'Infinity', '1.005', '1e12', '1.500', '-0.000'],
    `v in ('NaN', 'Infinity', '-Infinity') or abs(v) >= 1e10 or v <> round(v, 2)`,
  ),
  exact(
    'numeric',
    'numeric',
    { name: 'carried', sql: 'numeric' },
    fc.oneof(decimal(60, 30), one(...special)),
    [
      ...special,
      '1e400',
      '1e-400',
      '0.10',
      '1.500',
      '-0',
      `${'7'.repeat(130_000)}`,
      `0.${'3'.repeat(16_383)}`,
    ],
  ),
  exact('numeric(1000,200)', 'numeric', { name: 'carried', sql: 'numeric(1000,200)' }, decimal(1000, 200), [
    nines(1000, 200),
    'NaN',
  ]),
  exact('numeric(5,-2)', 'numeric', { name: 'carried', sql: 'numeric(5,-2)' }, one('1200', '-9999900', '0'), [
    '9999900',
  ]),
  exact('real', 'float4', { name: 'real' }, single, [
    ...special,
    '-0',
    '1e-45',
    '3.4028235e38',
    '0.1',
    '16777217',
    '1.17549435e-38',
  ]),
  exact('double precision', 'float8', { name: 'double precision' }, double, [
    ...special,
    '-0',
    '5e-324',
    '1.7976931348623157e308',
    '0.1',
    '123456789012345678',
    '1e22',
    '1e23',
    '2.2250738585072014e-308',
  ]),
  exact('boolean', 'bool', { name: 'boolean' }, one('true', 'false')),
  exact('text', 'varchar', { name: 'text' }, text, [
    ...hostileTexts,
    'x'.repeat(5 * 2 ** 20),
    '"\\\n'.repeat(200_000),
  ]),
  exact('character varying(10)', 'varchar', { name: 'varchar' }, short(10), ['']),
  exact('character(5)', 'varchar', { name: 'text' }, one('', 'a', 'abcde', ' b', 'ü'), ['']),
  exact('name', 'varchar', { name: 'text' }, short(15), ['']),
  own('citext', 'varchar', ['', 'Hello', 'ÉÉ'], text),
  own('mood', 'varchar', moods),
  own('short_text', 'varchar', [''], short(10)),
  exact('price', 'numeric(5,2)', { name: 'numeric', precision: 5, scale: 2 }, decimal(5, 2), ['999.99']),
  exact('moment', 'timestamptz', { name: 'timestamptz' }, instant, ['infinity'], beyondInt64),
  exact(
    'date',
    'date',
    { name: 'date' },
    day.map(({ day, era }) => day + era),
    [
      'infinity',
      '-infinity',
      '4713-11-24 BC',
      '5874897-12-31',
      '0001-01-01',
      '0001-12-31 BC',
      '9999-12-31',
      '10000-01-01',
      '1970-01-01',
    ],
  ),
  exact('time without time zone', 'time', { name: 'time' }, clock, [
    '24:00:00',
    '00:00:00',
    '23:59:59.999999',
    '00:00:00.000001',
  ]),
  exact(
    'timestamp without time zone',
    'timestamp',
    { name: 'timestamp' },
    moment,
    moments,
    `isfinite(v) and v >= '294247-01-10 04:00:54.775807'`,
  ),
  exact(
    'timestamp with time zone',
    'timestamptz',
    { name: 'timestamptz' },
    instant,
    moments.map((each) => each.replace(/( BC)?$/, '+00$1').replace('infinity+00', 'infinity')),
    beyondInt64,
  ),
  exact('uuid', 'uuid', { name: 'uuid' }, fc.uuid(), [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ]),
  exact(
    'bytea',
    'bytea',
    { name: 'bytea' },
    fc.uint8Array({ maxLength: 40 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
    ['\\x', '\\x00', `\\x${'00ff5c22'.repeat(100_000)}`],
  ),
  exact('json', 'json', { name: 'json' }, json, [
    '{"a": 1, "a": 2}',
    '[1,\n\t2 ,\r\n"\\u0000"]',
    '1e400',
    ' {"b":1.50, "a":[]} ',
    '"\\ud83d\\ude42"',
    '""',
  ]),
  exact('jsonb', 'jsonb', { name: 'jsonb' }, json, [
    '{"a": 1, "a": 2}',
    '1e400',
    '1.50',
    '"\\ud83d\\ude42"',
    '[[[]]]',
    '-0.0',
  ]),
  carried('integer[]', ['{}', '{NULL}', '{{1,NULL},{3,4}}', '[2:3]={1,2}', '{-2147483648,2147483647}']),
  carried('text[]', ['{}', '{NULL,"NULL",""}', '{{"a,b","c\\"d"},{"\\\\",NULL}}'], arrayOf(text)),
  carried(
    'timestamp with time zone[]',
    ['{"2024-02-29 23:59:59.999999+00",infinity,NULL}', '{"0044-03-15 00:00:00+00 BC"}'],
    arrayOf(instant),
  ),
  carried('jsonb[]', ['{"{\\"a\\": \\"b,c\\"}",NULL}'], arrayOf(json)),
  carried('bytea[]', ['{"\\\\x00ff"}']),
  carried('numeric(6,2)[]', ['{1.5,NaN}']),
  carried('bit(3)[]', ['{101,010}', '{{111,NULL}}']),
  carried('character(3)[]', ['{abc,"a b",NULL,""}']),
  carried('character varying(4)[]', ['{abcd,"",NULL}']),
  carried('time(3) without time zone[]', ['{24:00:00,10:20:30.123}']),
  carried('interval day to second(3)', ['1 day 02:03:04.567']),
  carried('boolean[]', ['{t,f,NULL}']),
  carried('money[]', ['{"$1,234.50",NULL}']),
  carried('interval', [
    '1 year -2 months 3 days 04:05:06.000007',
    '-1 day',
    '00:00:00',
    '1000000 hours',
    '-1 mon +1 day -00:00:00.5',
    '178000000 years',
  ]),
  carried(
    'inet',
    ['0.0.0.0', '::1', '10.1.2.3/8', 'fe80::1/64', '::ffff:1.2.3.4'],
    fc.oneof(fc.ipV4(), fc.ipV6()),
  ),
  carried('cidr', ['10.0.0.0/8', '::/0']),
  carried('macaddr', ['08:00:2b:01:02:03']),
  carried('macaddr8', ['08:00:2b:01:02:03:04:05']),
  carried('int4range', ['empty', '[1,5)', '(,)', '[3,)']),
  carried('numrange', ['(1.50,2e10]', 'empty']),
  carried('daterange', ['[2024-02-29,infinity)', '[0044-03-15 BC,2024-01-01)']),
  carried('tstzrange', ['["2024-02-29 12:00:00+05:30",)', '(,infinity]']),
  carried('int4multirange', ['{}', '{[1,2),[5,9)}']),
  carried('time with time zone', [
    '24:00:00+00',
    '00:00:00-15:59',
    '12:30:00.000001+05:30',
    '12:00:00-00:01:15',
  ]),
  carried('bit(3)', ['000', '101']),
  carried('bit varying', ['', '1', '010101010101']),
  carried('point', ['(1.5,-2)', '(NaN,Infinity)', '(1e-300,0.1)']),
  carried('box', ['(1,1),(0,0)']),
  carried('polygon', ['((0,0),(1,1),(1,0))']),
  carried('tsvector', ['', `'a b':1A,2 'it''s':3B '\\\\':4`]),
  carried('tsquery', [`'a' & !'b c' | 'd':*A`]),
  carried('money', ['-12.34', '92233720368547758.07', '0.10']),
  carried('xml', ['<a b="c">\n<d/>&amp;</a>', 'plain', '']),
  carried('"char"', ['a', '', '\\303']),
  carried('pg_lsn', ['16/B374D848']),
  carried('character(3)', ['abc']),
  carried('timestamp(3) without time zone', ['2024-02-29 23:59:59.999', 'infinity']),
  own('pair', 'other', ['(1,"a, ""b""")', '(,)', '(-1,"\\\\")']),
  own('pair[]', 'other', ['{"(1,\\"a,b\\")"}']),
];
