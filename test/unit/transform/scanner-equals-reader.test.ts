import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { makeBatch, reserveText } from '../../../services/transformation/rows/batch.ts';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { lineScannerOf, slackBytes } from '../../../services/transformation/scan/line-scanner.ts';
import type { Dimension, Fact, SourceField } from '../../../shared/model/model.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { cutAnywhere } from '../../helpers/rows/cut-anywhere.ts';
import { readParquetRows } from '../../helpers/rows/parquet-rows.ts';

// For the long form.
jest.setTimeout(300_000);

const tables = totesys.tables.filter((table): table is Dimension | Fact => table.kind !== 'calendar');

const timestamps = ['2022-11-03T14:20:52.186', '2022-11-03T14:20:52', '0001-12-31T23:59:59.999999'];
const dates = fc
  .date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => `"${date.toISOString().slice(0, 10)}"`);

/** Values of a type as an extract writes them. */
const legalTexts: Record<string, fc.Arbitrary<string>> = {
  int4: fc.integer().map(String),
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
        { numRuns: isLong ? 100 : 12 },
      );
    },
  );
});

describe('the lines of an extract', () => {
  it.each(tables.filter(({ name }) => name !== 'dim_currency').map((table) => [table.name, table] as const))(
    'of %s are all taken by the scanner alone',
    (_name, table) => {
      const value = ({ name, type }: SourceField) => {
        if (name.endsWith('_date')) return '"2024-02-29"';
        if (type === 'varchar') return '"Zo\\u000b\\"\\\\\\/\\b\\f\\n\\r\\t\\u001Fë 😀"';
        if (type === 'timestamp') return JSON.stringify(timestamps[0]);
        return type === 'bool' ? 'false' : '-12';
      };
      const line = `{${table.source.fields.map((field) => `"${field.name}":${value(field)}`).join(',')}}\n`;
      const lines = Buffer.from(line.repeat(3));
      const bytes = new Uint8Array(lines.length + slackBytes(table));
      bytes.set(lines);
      const batch = makeBatch(table, 10);
      reserveText(batch, lines.length);
      const stopped = lineScannerOf(table)?.(batch, bytes, new DataView(bytes.buffer), 0, lines.length);
      expect({ stopped, rows: batch.rows }).toEqual({ stopped: lines.length, rows: 3 });
    },
  );
});
