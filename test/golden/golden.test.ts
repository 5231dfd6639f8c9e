import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { transformRows } from '../../services/transformation/rows/transform-rows.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type ParquetRow, readParquetRows } from '../helpers/rows/parquet-rows.ts';

/**
 * One folder per warehouse table: input.ndjson, lines as an extract writes them, and expected.json, what is to
 * become of them, both written by hand. dim_date is what the dates of its source's rows make of it.
 */
interface Golden {
  source: string;
  rows: ParquetRow[];
  quarantined: { line: number; key: number | string | null; column: string | null; reason: string }[];
}

const folder = new URL('./', import.meta.url);
const tables = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe('golden pairs', () => {
  it('are there for every warehouse table', () => {
    expect([...tables].sort()).toEqual(totesys.tables.map(({ name }) => name).sort());
  });

  it.each(tables)('%s is made of its input exactly', async (name) => {
    const input = readFileSync(new URL(`${name}/input.ndjson`, folder));
    const golden: Golden = JSON.parse(readFileSync(new URL(`${name}/expected.json`, folder), 'utf8'));
    const [fed = ''] = totesys.source(golden.source).feeds;
    const table = totesys.table(fed);
    if (table.kind === 'calendar') throw new Error(`${fed} has no source`);

    const made = await transformRows(chunksOf(input), table, totesys.calendar);

    const parquet = name === totesys.calendar?.name ? made.dates?.parquet : made.parquet;
    expect(await readParquetRows(parquet ?? Buffer.alloc(0))).toEqual(golden.rows);
    const lines = input.toString().split('\n');
    expect(parseLines(made.quarantine.toFile())).toEqual(
      golden.quarantined.map((entry) => ({ ...entry, row: lines[entry.line - 1] })),
    );
  });
});

async function* chunksOf(bytes: Uint8Array) {
  yield bytes;
}

const parseLines = (bytes: Uint8Array): unknown[] =>
  Buffer.from(bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
