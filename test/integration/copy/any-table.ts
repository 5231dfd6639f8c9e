import fc from 'fast-check';

const controls = Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1));
export const hostileTexts = [
  ...[
    '',
    'NULL',
    '\\N',
    '\\.',
    '\\',
    '\\\\',
    '"',
    "'",
    '""',
    '\t',
    '\n',
    '\r\n',
    '/',
    '{}',
    'null',
    '\\u0000',
    '\\x41',
  ],
  ...[
    '\u007f',
    '\u0080',
    '\u2028',
    '\u2029',
    '\u0301',
    'e\u0301',
    '👩‍👩‍👧',
    '\ufeff',
    '\ufffd',
    '\u{10ffff}',
  ],
  ...controls,
];
/** Any text that Postgres accepts: no NUL, and whole characters. */
const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.array(fc.constantFrom(...hostileTexts, 'a', ' ', 'é'), { maxLength: 12 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', '')),
);

const clock = fc
  .record({
    h: fc.integer({ min: 0, max: 23 }),
    m: fc.integer({ min: 0, max: 59 }),
    us: fc.integer({ min: 0, max: 59_999_999 }),
  })
  .map(({ h, m, us }) => `${h}:${m}:${(us / 1e6).toFixed(6)}`);
const day = fc
  .record({
    y: fc.oneof(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 10_000, max: 294_275 })),
    m: fc.integer({ min: 1, max: 12 }),
    d: fc.integer({ min: 1, max: 28 }),
  })
  .map(({ y, m, d }) => `${String(y).padStart(4, '0')}-${m}-${d}`);
const era = fc.constantFrom('', '', ' BC');
/** Before Christ a timestamp reaches to 4713 only. */
const inRange = (date: string, suffix: string) =>
  suffix === '' || Number.parseInt(date, 10) < 4713 ? suffix : '';
const infinities = fc.constantFrom('infinity', '-infinity');
const timestamp = fc.oneof(
  infinities,
  fc.constantFrom('2022-11-03 14:20:52.186001', '1970-01-01 00:00:00.000001', '4713-01-01 00:00:00 BC'),
  fc.tuple(day, clock, era).map(([d, c, e]) => `${d} ${c}${inRange(d, e)}`),
);
const zone = fc.constantFrom('+00', '+05:30', '-09:30', '+14', '-00:01:15');
const double = fc.double().map((value) => (Object.is(value, -0) ? '-0' : String(value)));

/** The labels of an enum type that the test makes. */
export const moods = ['so"so', 'back\\slash', 'ha\tppy', '🙂'];

const arrayText = (texts: string[]): string =>
  `{${texts.map((each) => `"${each.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`;

/** By column type: values as Postgres reads them. */
const valuesByType: Record<string, fc.Arbitrary<string>> = {
  text,
  'varchar(10)': text.map((value) => [...value].slice(0, 10).join('')),
  'char(3)': text.map((value) => [...value].slice(0, 3).join('')),
  int2: fc.integer({ min: -32_768, max: 32_767 }).map(String),
  int4: fc.constantFrom('-2147483648', '2147483647', '0', '-1'),
  int8: fc.oneof(
    fc.constantFrom('9223372036854775807', '-9223372036854775808'),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  ),
  numeric: fc.oneof(
    fc.constantFrom('NaN', 'Infinity', '-Infinity', '99999999.99', '-0.00', '1e400', '1e-200', '0.10'),
    fc.tuple(fc.bigInt(), fc.nat(40)).map(([digits, scale]) => `${digits}e-${scale}`),
  ),
  'numeric(10,2)': fc.constantFrom('99999999.99', '-99999999.99', '0.01', 'NaN'),
  float4: fc.oneof(fc.constantFrom('NaN', 'Infinity', '-Infinity'), fc.float().map(String)),
  float8: double,
  boolean: fc.boolean().map(String),
  date: fc.oneof(
    infinities,
    fc.tuple(day, era).map(([d, e]) => `${d}${inRange(d, e)}`),
  ),
  time: clock,
  timestamp,
  timestamptz: fc.oneof(
    infinities,
    fc.tuple(day, clock, zone, era).map(([d, c, z, e]) => `${d} ${c}${z}${inRange(d, e)}`),
  ),
  interval: fc.constantFrom('1 year -2 months 3 days 04:05:06.000007', '-1 day', '0', '1000000 hours'),
  uuid: fc.uuid(),
  bytea: fc.uint8Array({ maxLength: 20 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  json: fc.jsonValue().map((value) => JSON.stringify(value)),
  jsonb: fc.jsonValue().map((value) => JSON.stringify(value)),
  inet: fc.ipV4(),
  oid: fc.constantFrom('0', '4294967295'),
  timetz: fc.tuple(clock, fc.constantFrom('+00', '-09:30')).map((parts) => parts.join('')),
  'int4[]': fc.constantFrom('{}', '{1,NULL,-3}', '[0:1]={1,2}', '{{1,2},{3,NULL}}'),
  'text[]': fc.array(text, { maxLength: 4 }).map(arrayText),
  tsvector: fc.constantFrom('', `'a b':1A,2 'it''s'`),
  mood: fc.constantFrom(...moods),
};

const columnName = fc.oneof(
  fc.constantFrom('a"b', 'ключ', '🐘', 'a\\b', 'tab\there', "it's", ' ', 'line\nbreak', '\u0001'),
  fc.string({ minLength: 1, maxLength: 12 }).map((name) => name.replaceAll('\0', '')),
);

export interface AnyTable {
  types: string[];
  names: string[];
  rows: (string | null)[][];
  /** How large the chunks are in which the transcoder gets the COPY. */
  chunkBytes: number;
}

/** A table of any columns: its types and names, and rows of values, null here and there. */
export const anyTable: fc.Arbitrary<AnyTable> = fc
  .array(fc.constantFrom(...Object.keys(valuesByType)), { minLength: 1, maxLength: 6 })
  .chain((types) =>
    fc.record({
      types: fc.constant(types),
      names: fc
        .uniqueArray(columnName, { minLength: types.length, maxLength: types.length })
        .filter((names) => names.every((name) => name !== '' && Buffer.byteLength(name) < 64)),
      rows: fc.array(
        fc.tuple(...types.map((type) => fc.option(valuesByType[type] as fc.Arbitrary<string>, { freq: 5 }))),
        { maxLength: 20 },
      ),
      chunkBytes: fc.integer({ min: 1, max: 300 }),
    }),
  );
