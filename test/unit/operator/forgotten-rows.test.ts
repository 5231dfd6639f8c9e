import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { cleanIngested } from '../../../cli/forget/clean-ingested.ts';
import { cleanProcessed } from '../../../cli/forget/clean-processed.ts';
import { rowsToForget } from '../../../cli/forget/forgotten-row.ts';
import { canonicalText, type KeyKind } from '../../../cli/forget/key-text.ts';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { cutAnywhere } from '../../helpers/rows/cut-anywhere.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { type ParquetRow, readParquetRows, readParquetTypes } from '../../helpers/rows/parquet-rows.ts';
import { model, row, toLine } from '../transform/every-type-rows.ts';

// For the long form.
jest.setTimeout(300_000);

const [fact] = model.tables.filter((table) => table.kind === 'fact');
if (fact === undefined) throw new Error('the model has no fact');

const version = { generation: '1', xmax: '9', xmin: '9', tie: '0' };
const metadata = { version: '1:5:5:0', model: '1' };
const run = '20261130T120000000Zabcd';
const ingestedKey = `everything/2026/11/30/${run}-00001.ndjson.zst`;
const processedKey = `fact_everything/2026/11/30/${run}-00001-r0.parquet`;

/** Fields that may be a key, with the column that has each as it is. */
const keys: Record<string, KeyKind> = {
  id: 'number',
  wide: 'number',
  text: 'text',
  instant: 'moment',
  double: 'float',
};

describe('rows that are forgotten', () => {
  it('are taken out of both objects, and every other value stays exactly as it was', async () => {
    const names = fc.constantFrom(
      ...Object.keys(keys).map((name) => [name]),
      ['id', 'text'],
      ['wide', 'instant'],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        names,
        async (rows, at, fields) => {
          // Some are next to each other, and some are not.
          const all = [...rows, ...rows.slice(0, 3)];
          const wanted = all[at % all.length];
          const isLeft = (each: ParquetRow | undefined) =>
            fields.some((name) => each?.[name] !== wanted?.[name]);
          const left = all.filter(isLeft);
          const lines = all.map(toLine);
          const keptLines = lines.filter((_, index) => isLeft(all[index]));
          const bytes = Buffer.from(lines.join(''));
          const made = await transformRows(cutAnywhere(bytes, [999]), fact, model.calendar, {
            rowsPerBatch: 5,
          });
          const types = readParquetTypes(made.parquet);
          const store = makeMemoryStore();
          const counted = { ...metadata, rows: String(all.length) };
          await store.create(ingestedKey, zstdCompressSync(bytes), counted);
          await store.create(processedKey, made.parquet, { ...counted, quarantined: '0' });

          const key = fields.map((field) => ({
            field,
            value: { text: String(wanted?.[field]), kind: keys[field] ?? 'text' },
          }));
          const forgotten = rowsToForget(fact.source, key, model);
          const [table] = forgotten.tables;
          if (table === undefined) throw new Error('no table is made of it');
          const zone = { store, oldVersions: undefined };
          const context = { id: 'a'.repeat(64), version, searched: new Set<string>() };
          const removed = all.length - left.length;
          expect(await cleanIngested(zone, forgotten, context)).toMatchObject({ objects: 1, rows: removed });
          expect(await cleanProcessed(zone, undefined, forgotten, table, context)).toMatchObject({
            objects: 1,
            rows: removed,
          });

          const [ingested, processed] = [await store.get(ingestedKey), await store.get(processedKey)];
          expect(zstdDecompressSync(ingested?.body ?? bytes).toString()).toBe(keptLines.join(''));
          const parquet = processed?.body ?? bytes;
          expect(await readParquetRows(parquet)).toEqual(left);
          expect(readParquetTypes(parquet)).toEqual(types);
          for (const each of [ingested, processed])
            expect(each?.metadata).toMatchObject({ ...metadata, rows: String(left.length) });
          // Nothing is left to find.
          const again = { ...context, searched: new Set<string>() };
          expect(await cleanIngested(zone, forgotten, again)).toMatchObject({ objects: 0, rows: 0 });
        },
      ),
      { numRuns: isLong ? 300 : 15 },
    );
  });

  const rowsWithId = (id: number) => {
    const value = { text: String(id), kind: 'number' } as const;
    return rowsToForget(fact.source, [{ field: 'id', value }], model);
  };
  const contextOf = (id: string) => ({ id: id.repeat(64), version, searched: new Set<string>() });
  const linesOf = (...ids: number[]) =>
    zstdCompressSync(Buffer.from(ids.map((id) => `{"id":${id}}\n`).join('')));

  it('are both gone where two of one object are forgotten at the same time', async () => {
    const store = makeMemoryStore();
    await store.create(ingestedKey, linesOf(1, 2, 3), { ...metadata, rows: '3' });
    const zone = { store, oldVersions: undefined };
    await Promise.all([
      cleanIngested(zone, rowsWithId(1), contextOf('a')),
      cleanIngested(zone, rowsWithId(3), contextOf('b')),
    ]);
    const object = await store.get(ingestedKey);
    expect(zstdDecompressSync(object?.body ?? Buffer.alloc(0)).toString()).toBe('{"id":2}\n');
    expect(object?.metadata.rows).toBe('1');
  });

  it('are never passed over in an object that does not show whether it has one', async () => {
    const store = makeMemoryStore();
    const zone = { store, oldVersions: undefined };
    const forgotten = rowsWithId(1);
    const [table] = forgotten.tables;
    if (table === undefined) throw new Error('no table is made of it');
    const clean = () => cleanIngested(zone, forgotten, contextOf('a'));
    await store.create(ingestedKey, zstdCompressSync(Buffer.from('{"key":1}\n')), { ...metadata, rows: '1' });
    await expect(clean()).rejects.toThrow(`${ingestedKey} has a line without id`);
    await store.delete(ingestedKey);
    await store.create(ingestedKey, linesOf(1), {});
    await expect(clean()).rejects.toThrow(`${ingestedKey} has lost its metadata`);
    const made = await transformRows(cutAnywhere(Buffer.alloc(0), [1]), fact, model.calendar);
    await store.create(processedKey, made.dates?.parquet ?? made.parquet, { ...metadata, rows: '0' });
    await expect(cleanProcessed(zone, undefined, forgotten, table, contextOf('a'))).rejects.toThrow(
      `${processedKey} was made by an older model, without id`,
    );
  });

  it.each([
    ['number', '007', '7'],
    ['number', '1.500', '1.5'],
    ['number', '-0.0', '0'],
    ['number', '100', '100'],
    ['float', '1e2', '100'],
    ['moment', '2024-03-01T09:00:00.100000+00:00', '2024-03-01 09:00:00.1+00'],
    ['moment', '2024-03-01T09:00:00', '2024-03-01 09:00:00.000000'],
  ] as const)('are the same whichever way a %s is written: %s', (kind, one, other) => {
    expect(canonicalText(kind, one)).toBe(canonicalText(kind, other));
  });

  it.each([
    ['text', '007', '7'],
    ['number', '70', '7'],
    ['moment', '2024-03-10 00:00:00', '2024-03-01 00:00:00'],
    ['moment', '2024-03-01 09:00:10', '2024-03-01 09:00:1'],
  ] as const)('are others where a %s is another one: %s', (kind, one, other) => {
    expect(canonicalText(kind, one)).not.toBe(canonicalText(kind, other));
  });
});
