import { randomBytes } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { makeCompressedRows, ObjectTooLarge } from '../../../services/ingestion/extract/compressed-rows.ts';

const columns = [{ name: 'text', kind: 'string' as const }];

describe('compressed rows', () => {
  it('are one zstd frame of a line for each row, however large', async () => {
    const rows = makeCompressedRows(columns, 2 ** 20);
    const line = 'x'.repeat(1000);
    for (let n = 0; n < 5000; n++) await rows.push(Buffer.from(`${line}\n`));
    const { bytes, rows: count } = await rows.finish();
    expect(count).toBe(5000);
    expect(zstdDecompressSync(bytes).toString()).toBe(`{"text":"${line}"}\n`.repeat(5000));
  });

  it('come back whole where nothing can be compressed', async () => {
    const rows = makeCompressedRows(columns, 8 * 2 ** 20);
    const lines = Array.from({ length: 2000 }, () => randomBytes(1000).toString('base64'));
    for (const line of lines) await rows.push(Buffer.from(`${line}\n`));
    const { bytes } = await rows.finish();
    expect(bytes.length).toBeGreaterThan(10 * 128 * 1024);
    const expected = lines.map((line) => `{"text":"${line}"}\n`).join('');
    expect(zstdDecompressSync(bytes).toString()).toBe(expected);
  });

  it('may be none', async () => {
    const { bytes, rows } = await makeCompressedRows(columns, 100).finish();
    expect(rows).toBe(0);
    expect(zstdDecompressSync(bytes)).toHaveLength(0);
  });

  it('above the limit are given up, early where there are many', async () => {
    const rows = makeCompressedRows(columns, 100_000);
    const pushAll = async () => {
      for (let n = 0; n < 10_000; n++) await rows.push(Buffer.from(`${randomBytes(1000).toString('hex')}\n`));
    };
    await expect(pushAll()).rejects.toThrow(ObjectTooLarge);
    rows.discard();

    const few = makeCompressedRows(columns, 1000);
    await few.push(Buffer.from(`${randomBytes(2000).toString('hex')}\n`));
    await expect(few.finish()).rejects.toThrow(ObjectTooLarge);
  });

  it('of too many values are given up before a row has ended, however few bytes they are compressed', async () => {
    const rows = makeCompressedRows(columns, 2 ** 20, 100_000);
    await rows.push(Buffer.alloc(100_000, 'x'));
    expect(() => rows.push(Buffer.from('x'))).toThrow(ObjectTooLarge);
    rows.discard();
  });
});
