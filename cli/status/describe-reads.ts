import type { SourceReads } from '../../shared/records/plan/source-reads.ts';
import { formatBytes, formatCount } from '../terminal/wording.ts';

/** What Starlift has read of one source table in one UTC day. */
export interface ReadStatus {
  /** YYYY-MM-DD. */
  day: string;
  /** The source table. */
  source: string;
  looks: number;
  /** Heap and TOAST that plans have looked at, and that extracts were sent to read. */
  bytes: number;
  /** How long the plans' looks took. */
  seconds: number;
}

/** The newest day first, and of a day the table that most was read of. */
export const describeReads = (reads: SourceReads = []): ReadStatus[] =>
  reads.flatMap(({ day, tables }) =>
    Object.entries(tables)
      .map(([source, read]) => ({ day, source, ...read }))
      .toSorted((a, b) => b.bytes - a.bytes),
  );

/** @example 'Read of the source on 2026-11-30 (UTC): 14 looks, 1.2 GiB, 3.4 s; most of it sales_order (1.1 GiB).' */
export function formatReads(reads: readonly ReadStatus[]): string[] {
  const [most] = reads;
  if (most === undefined) return [];
  const today = reads.filter(({ day }) => day === most.day);
  const sum = (count: (read: ReadStatus) => number) => today.reduce((all, read) => all + count(read), 0);
  const looks = sum((read) => read.looks);
  const what = `${looks === 1 ? '1 look' : `${formatCount(looks)} looks`}, ${formatBytes(sum((read) => read.bytes))}, ${sum((read) => read.seconds).toFixed(1)} s`;
  const which = today.length === 1 ? most.source : `most of it ${most.source} (${formatBytes(most.bytes)})`;
  return [`Read of the source on ${most.day} (UTC): ${what}; ${which}.`];
}
