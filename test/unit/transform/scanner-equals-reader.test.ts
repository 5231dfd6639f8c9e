import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { makeBatch, reserveText } from '../../../services/transformation/rows/batch.ts';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { lineScannerOf, slackBytes } from '../../../services/transformation/scan/line-scanner.ts';
import { defineDimension, int } from '../../../shared/model/define.ts';
import { assembleModel, type Dimension, type Fact, type SourceField } from '../../../shared/model/model.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { cutAnywhere } from '../../helpers/rows/cut-anywhere.ts';
import { readParquetRows } from '../../helpers/rows/parquet-rows.ts';
import { builders, declaredTypes, lookups, takenBy } from '../../helpers/rows/type-table.ts';

// For the long form.
jest.setTimeout(300_000);

const shopTables = totesys.tables.filter((table): table is Dimension | Fact => table.kind !== 'calendar');

/** For each source type, and each column that it can be made into, a table that may have nulls. */
const typeTables = assembleModel({
  name: 'types',
  lookups,
  tables: [
    calendar,
    ...declaredTypes.flatMap((type) =>
      takenBy[type].map((builder) =>
        defineDimension({
          name: `${type} as ${builder}`,
          source: {
            table: `${type} ${builder}`,
            key: ['id'],
            columns: { id: 'int4', value: `${type}?`, unused: `${type}?` },
          },
          key: ['id'],
          columns: { id: int('id'), made: { ...builders[builder].make('value'), nullable: true } },
        }),
      ),
    ),
    // Of one field each column that can be made of it.
    ...declaredTypes.map((type) =>
      defineDimension({
        name: `${type} as all`,
        source: { table: `${type} all`, key: ['id'], columns: { id: 'int4', value: `${type}?` } },
        key: ['id'],
        columns: {
          id: int('id'),
          ...Object.fromEntries(
            takenBy[type].map((builder) => [builder, { ...builders[builder].make('value'), nullable: true }]),
          ),
        },
      }),
    ),
  ],
}).tables.filter((table): table is Dimension | Fact => table.kind !== 'calendar');

const tables = [...shopTables, ...typeTables];

const timestamps = ['2022-11-03T14:20:52.186', '2022-11-03T14:20:52', '0001-12-31T23:59:59.999999'];
const dates = fc
  .date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => `"${date.toISOString().slice(0, 10)}"`);

const texts = (...values: string[]) => fc.constantFrom(...values.map((text) => JSON.stringify(text)));
const anyText = fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text));
const float = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Object.is(value, -0) ? '-0' : String(value)));

/** Values of a type as an extract writes them. */
const legalTexts: Record<string, fc.Arbitrary<string>> = {
  int2: fc.integer({ min: -32_768, max: 32_767 }).map(String),
  int4: fc.integer().map(String),
  int8: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.integer({ min: 1, max: 18 }).map((digits) => `-${'9'.repeat(digits)}`),
  ),
  oid: fc.nat().map(String),
  float4: float,
  float8: fc.oneof(
    float,
    fc.integer({ min: -1e9, max: 1e9 }).map((cents) => (cents / 1000).toString()),
  ),
  date: fc.oneof(dates, texts('infinity', '0044-03-15 BC', '12024-02-29')),
  time: texts('00:00:00', '23:59:59.999999', '24:00:00', '10:20:30.5'),
  timestamptz: texts(
    ...timestamps.map((text) => `${text}+00:00`),
    'infinity',
    '0044-03-15T00:00:00+00:00 BC',
  ),
  uuid: fc.uuid().map((text) => JSON.stringify(text)),
  bytea: fc.uint8Array().map((bytes) => JSON.stringify(`\\x${Buffer.from(bytes).toString('hex')}`)),
  json: anyText,
  jsonb: anyText,
  other: anyText,
  numeric: fc.integer({ min: -99_999_999, max: 99_999_999 }).map((cents) => (cents / 100).toFixed(2)),
  bool: fc.boolean().map(String),
  varchar: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  timestamp: fc.constantFrom(...timestamps).map((text) => JSON.stringify(text)),
};

/** What else may stand in a value's place: odd, out of range, and broken. */
const oddTexts: Record<string, string[]> = {
  int4: [
    '-0',
    '007',
    '-',
    '2147483647',
    '2147483648',
    '-2147483648',
    '-2147483649',
    '1e3',
    '1.0',
    '99999999999',
  ],
  numeric: [
    '9999999999.99',
    '.5',
    '5.',
    '0.5',
    '00.1',
    '-0.00',
    '1e2',
    '"NaN"',
    '1.234',
    '1.230',
    '-12.34000',
    '0.0000',
    '123456789012345678.9',
  ],
  int2: ['-0', '00', '32767', '32768', '-32768', '-32769', '1.0', '2e3'],
  int8: [
    ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'],
    ...['-0', '0123456789012345678', '99999999999999999999', '1000000000000000', '-999999999999999', '1e18'],
  ],
  oid: ['4294967295', '-1', '00'],
  float4: [
    '1e-45',
    '3.4028236e+38',
    '1e39',
    '0.1',
    '"NaN"',
    '"-Infinity"',
    '.5',
    '1.',
    '1e',
    '-',
    '1E5',
    '0x1',
  ],
  float8: [
    ...[
      '5e-324',
      '1e309',
      '1e-400',
      '0.1',
      '-0.0',
      '123456789012345678',
      '9007199254740993',
      '"NaN"',
      '"nan"',
    ],
    ...['1e+22', '0.30000000000000004', '1.7976931348623157e308', '01', '1.5.5', '1e5.5', '--1', '+1'],
  ],
  date: [
    '"2023-02-29"',
    '"0000-01-01"',
    '"5874898-01-01"',
    '"9999999-12-31"',
    '"-infinity"',
    '"2024-02-29 bc"',
    '20240229',
  ],
  time: [
    '"24:00:00.1"',
    '"24:00:01"',
    '"23:60:00"',
    '"10:20:30."',
    '"10:20:30.1234567"',
    '"10:20"',
    '"10:20:30+00"',
  ],
  timestamptz: [
    ...['"2022-11-03T14:20:52"', '"2022-11-03T14:20:52+01:00"', '"2022-11-03T14:20:52+00"', '"-infinity"'],
    ...[
      '"294247-01-10T04:00:54.775807+00:00"',
      '"294247-01-10T04:00:54.775806+00:00"',
      '"2022-11-03T24:00:00+00:00"',
    ],
    ...['"2022-11-03T14:20:52+00:00:00"', '"2022-11-03T14:20:52 BC+00:00"'],
  ],
  uuid: [
    '"00000000-0000-0000-0000-00000000000"',
    '"0000000000000000000000000000000000000"',
    '"G0000000-0000-0000-0000-000000000000"',
  ],
  bytea: ['"\\\\x0"', '"\\\\x0g"', '"\\\\X00"', '"00"', '"\\\\xAB"', '"\\\\x00 "', '"\\\\x"'],
  json: ['{"a":1}', '"\\u0000"'],
  jsonb: ['[1]', '"\\ud800"'],
  other: ['"\\u0000"', '"\\ud800"'],
  bool: ['truth', '"t"', '1'],
  varchar: [
    '"2023-02-29"',
    '"0000-01-01"',
    '"2022-1-01"',
    '"2022-13-01"',
    '"\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '"\t"',
  ],
  timestamp: [
    ...['2022-11-03T24:00:00', '2022-11-03T14:20:52.', '2022-11-03T14:20:52.1234567', '2022-02-29T00:00:00'],
    ...['infinity', '2022-11-03', '10000-01-01T00:00:00', '0044-03-15T00:00:00 BC', '2022-11-03 14:20:52'],
  ].map((text) => JSON.stringify(text)),
};

const valueText = ({ name, type }: SourceField): fc.Arbitrary<string> => {
  const kind = type.startsWith('numeric') ? 'numeric' : type;
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('null') },
    { weight: 40, arbitrary: name.endsWith('_date') ? dates : (legalTexts[kind] ?? fc.constant('null')) },
    { weight: 2, arbitrary: fc.constantFrom(...(oddTexts[kind] ?? [])) },
    { weight: 1, arbitrary: fc.constantFrom('null', 'nul', '', '{}', '[1]', '"text"', '12', 'true') },
  );
};

const lineOf = (table: Dimension | Fact): fc.Arbitrary<string> =>
  fc
    .tuple(...table.source.fields.map(valueText))
    .map((texts) => `{${table.source.fields.map(({ name }, at) => `"${name}":${texts[at]}`).join(',')}}`);

/** The line, or the line with one byte more, less, or another one. */
const bentLineOf = (table: Dimension | Fact): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 9, arbitrary: lineOf(table) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(lineOf(table), fc.nat(), fc.constantFrom('', ' ', ',', '"', '}', 'x', '0'), fc.nat(1))
        .map(([line, at, text, taken]) => {
          const cut = at % (line.length + 1);
          return line.slice(0, cut) + text + line.slice(cut + taken);
        }),
    },
  );

describe('the scanner', () => {
  it.each(tables.map((table) => [table.name, table] as const))(
    'makes of any lines of %s what the row reader makes of them',
    async (_name, table) => {
      const cuts = fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 5 });
      await fc.assert(
        fc.asyncProperty(fc.array(bentLineOf(table), { maxLength: 20 }), cuts, async (lines, sizes) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const run = (scan: boolean) =>
            transformRows(cutAnywhere(bytes, sizes), table, totesys.calendar, { scan, rowsPerBatch: 7 });
          const [fast, slow] = [await run(true), await run(false)];
          expect(Buffer.from(fast.quarantine.toFile()).toString()).toBe(
            Buffer.from(slow.quarantine.toFile()).toString(),
          );
          expect(await readParquetRows(fast.parquet)).toEqual(await readParquetRows(slow.parquet));
          expect(fast.dates?.parquet).toEqual(slow.dates?.parquet);
          expect(fast.lines).toBe(bytes.filter((byte) => byte === 10).length);
        }),
        { numRuns: isLong ? 100 : shopTables.includes(table) ? 12 : 4 },
      );
    },
  );
});

describe('a value of which the columns made of it take different lengths', () => {
  it.each([
    ['numeric as all', '1e2'],
    ['int8 as all', '1.0'],
    ['float8 as all', '1.5e'],
  ])('(%s: %s) is left to the row reader', async (name, value) => {
    const table = tables.find((each) => each.name === name);
    if (table === undefined) throw new Error(`there is no table ${name}`);
    const line = Buffer.from(`{"id":1,"value":${value}}\n`);
    const run = (scan: boolean) => transformRows(cutAnywhere(line, [99]), table, undefined, { scan });
    const [fast, slow] = [await run(true), await run(false)];
    expect(slow.quarantine.rows).toBe(1);
    expect(Buffer.from(fast.quarantine.toFile()).toString()).toBe(
      Buffer.from(slow.quarantine.toFile()).toString(),
    );
  });
});

const escaped = '"Zo\\u000b\\"\\\\\\/\\b\\f\\n\\r\\t\\u001Fë 😀"';

/** By type: a value that the scanner takes. */
const scannable: Record<string, string> = {
  float4: '0.1',
  float8: '-1.5e+300',
  bool: 'false',
  varchar: escaped,
  date: '"2024-02-29"',
  time: '"23:59:59.5"',
  timestamp: JSON.stringify(timestamps[0]),
  timestamptz: JSON.stringify(`${timestamps[0]}+00:00`),
  uuid: '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
  bytea: '"\\\\x00ff"',
  json: escaped,
  jsonb: escaped,
  other: escaped,
};

function scannableText(table: Dimension | Fact, { name, type }: SourceField): string {
  const columns = table.columns.filter(({ from }) => from.field === name);
  if (columns.some(({ from }) => from.kind === 'date')) return '"2024-02-29"';
  const [listed] = columns.flatMap((column) => [...(column.listed?.keys() ?? [])]);
  return listed === undefined ? (scannable[type] ?? '12') : JSON.stringify(listed);
}

describe('the lines of an extract', () => {
  // No text is both a date and a colour.
  it.each(
    tables.filter(({ name }) => name !== 'varchar as all').map((table) => [table.name, table] as const),
  )('of %s are all taken by the scanner alone', (_name, table) => {
    const fields = table.source.fields.map((field) => `"${field.name}":${scannableText(table, field)}`);
    const lines = Buffer.from(`{${fields.join(',')}}\n`.repeat(3));
    const bytes = new Uint8Array(lines.length + slackBytes(table));
    bytes.set(lines);
    const batch = makeBatch(table, 10);
    reserveText(batch, lines.length);
    const stopped = lineScannerOf(table)?.(batch, bytes, new DataView(bytes.buffer), 0, lines.length);
    expect({ stopped, rows: batch.rows }).toEqual({ stopped: lines.length, rows: 3 });
  });
});
