import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { cutAnywhere } from '../../helpers/rows/cut-anywhere.ts';
import { readParquetRows, readParquetTypes } from '../../helpers/rows/parquet-rows.ts';
import { model, row, toLine } from './every-type-rows.ts';

// For the long form.
jest.setTimeout(300_000);

const [fact] = model.tables.filter((table) => table.kind === 'fact');
if (fact === undefined) throw new Error('the model has no fact');

describe('transformRows', () => {
  it('keeps every value exactly, whatever it is and wherever the bytes are cut', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 30 }), cuts, async (rows, sizes) => {
        const bytes = Buffer.from(rows.map(toLine).join(''));
        const made = await transformRows(cutAnywhere(bytes, sizes), fact, model.calendar, {
          rowsPerBatch: 11,
        });
        expect(Buffer.from(made.quarantine.toFile()).toString()).toBe('');
        expect(await readParquetRows(made.parquet)).toEqual(rows);
        const days = new Set(
          rows.flatMap(({ due, last_updated_date, moment_day }) =>
            [due, last_updated_date, moment_day].filter((date) => date !== null).map(String),
          ),
        );
        const dates = await readParquetRows(made.dates?.parquet ?? bytes);
        expect(dates.map(({ date_id }) => date_id)).toEqual([...days].sort());
      }),
      { numRuns: isLong ? 200 : 25 },
    );
  });

  it('makes a file with the right types and no rows of no lines', async () => {
    const made = await transformRows(cutAnywhere(Buffer.alloc(0), [1]), fact, model.calendar);
    expect(await readParquetRows(made.parquet)).toEqual([]);
    expect(made).toMatchObject({ rows: 0, lines: 0, dates: { rows: 0 } });
    expect(await readParquetRows(made.dates?.parquet ?? Buffer.alloc(0))).toEqual([]);
    expect(readParquetTypes(made.parquet)).toEqual({
      id: 'INT32',
      big: 'INT32',
      maybe: 'INT32?',
      price: 'INT64 DECIMAL(10,2)',
      amount: 'INT64 DECIMAL(18,4)',
      huge: 'FIXED_LEN_BYTE_ARRAY DECIMAL(38,10)?',
      whole: 'INT32 DECIMAL(5,0)',
      text: 'BYTE_ARRAY UTF8',
      note: 'BYTE_ARRAY UTF8?',
      flag: 'BOOLEAN',
      due: 'INT32 DATE',
      last_updated_date: 'INT32 DATE',
      last_updated_time: 'INT64 TIME_MICROS',
      other: 'BOOLEAN?',
      small: 'INT32 INT_16?',
      wide: 'INT64',
      object: 'INT64',
      single: 'FLOAT?',
      double: 'DOUBLE',
      label: 'BYTE_ARRAY UTF8?',
      day: 'INT32 DATE',
      clock: 'INT64 TIME_MICROS?',
      moment: 'INT64 TIMESTAMP_MICROS?',
      moment_day: 'INT32 DATE?',
      moment_time: 'INT64 TIME_MICROS?',
      instant: 'INT64 TIMESTAMP_MICROS',
      instant_day: 'INT32 DATE',
      ident: 'BYTE_ARRAY UTF8?',
      bytes: 'BYTE_ARRAY?',
      document: 'BYTE_ARRAY UTF8',
      binary: 'BYTE_ARRAY UTF8?',
      exact: 'BYTE_ARRAY UTF8',
      span: 'BYTE_ARRAY UTF8?',
      code: 'BYTE_ARRAY UTF8',
      other_ident: 'BYTE_ARRAY UTF8',
    });
  });

  it('lands the neighbours of a line that is not UTF-8', async () => {
    const [first] = fc.sample(row, { numRuns: 1, seed: 7 });
    if (first === undefined) throw new Error('no row');
    const good = Buffer.from(toLine(first));
    const bad = Buffer.concat([Buffer.from('{"id":'), Buffer.of(0xff, 0xfe), Buffer.from('}\n')]);
    const made = await transformRows(
      cutAnywhere(Buffer.concat([good, bad, good]), [1 << 20]),
      fact,
      model.calendar,
    );
    expect(await readParquetRows(made.parquet)).toEqual([first, first]);
    expect(JSON.parse(Buffer.from(made.quarantine.toFile()).toString())).toMatchObject({
      line: 2,
      reason: 'the line is not UTF-8',
    });
  });

  it('takes rows that are longer than a block and a last line without its newline', async () => {
    const [first] = fc.sample(row, { numRuns: 1, seed: 8 });
    if (first === undefined) throw new Error('no row');
    const long = { ...first, text: 'é'.repeat(3_000_000) };
    const bytes = Buffer.from(toLine(first) + toLine(long) + toLine(first).trimEnd());
    const made = await transformRows(cutAnywhere(bytes, [100_000]), fact, model.calendar);
    expect(await readParquetRows(made.parquet)).toEqual([first, long, first]);
  });
});
