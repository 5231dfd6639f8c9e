import { zstdDecompressSync } from 'node:zlib';
import type { MemoryStore } from '../../helpers/rows/memory-store.ts';

export type Row = Record<string, unknown>;

interface IngestedObject {
  key: string;
  /** Generation, xmax, xmin and tie, as numbers to compare. */
  version: bigint[];
  rows: Row[];
}

/** All objects of a source table, in the order of their keys, as zstd and JSON.parse read them. */
export function ingestedObjects({ objects }: MemoryStore, table: string): IngestedObject[] {
  return [...objects]
    .filter(([key]) => key.startsWith(`${table}/`))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { body, metadata }]) => {
      const lines = zstdDecompressSync(body).toString('utf8').split('\n').slice(0, -1);
      return {
        key,
        version: (metadata.version ?? '').split(':').map(BigInt),
        rows: lines.map((line) => JSON.parse(line) as Row),
      };
    });
}

/**
 * What a reader that keeps the row of the greatest version has of a table, sorted by key; a row of an equal
 * version is ignored, as the load ignores it.
 */
export function latestRows(store: MemoryStore, table: string, key: string): Row[] {
  const latest = new Map<unknown, { version: bigint[]; row: Row }>();
  for (const { version, rows } of ingestedObjects(store, table)) {
    for (const row of rows) {
      const known = latest.get(row[key]);
      if (known === undefined || isGreater(version, known.version)) latest.set(row[key], { version, row });
    }
  }
  return [...latest.values()].map(({ row }) => row).sort((a, b) => Number(a[key]) - Number(b[key]));
}

export const countRows = (store: MemoryStore, table: string): number =>
  ingestedObjects(store, table).reduce((sum, { rows }) => sum + rows.length, 0);

function isGreater(a: bigint[], b: bigint[]): boolean {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index >= 0 && (a[index] ?? 0n) > (b[index] ?? 0n);
}
