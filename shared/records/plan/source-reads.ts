import { isJsonObject } from '../json-record.ts';

/** What plans and the extracts that they sent have read of one source table. */
export interface TableReads {
  /** Looks for new rows, and reads of all rows. */
  looks: number;
  /** Of the table's own heap and TOAST: what was looked at, and what was sent to be extracted. */
  bytes: number;
  /** How long the plans' looks took. */
  seconds: number;
}

/** The same by source table, for one UTC day. */
export interface DayOfReads {
  /** YYYY-MM-DD. */
  day: string;
  tables: Record<string, TableReads>;
}

/** Today's and the day before's, as far as plans were made then; the newest first. */
export type SourceReads = DayOfReads[];

/** Adds what one plan has read. */
export function addReads(
  known: SourceReads | undefined,
  reads: ReadonlyMap<string, Omit<TableReads, 'looks'>>,
  now: Date,
): SourceReads {
  const day = now.toISOString().slice(0, 10);
  const [newest, ...older] = known ?? [];
  const today: DayOfReads = newest?.day === day ? newest : { day, tables: {} };
  const before = newest === undefined || newest.day === day ? older : [newest];
  const tables = { ...today.tables };
  for (const [table, { bytes, seconds }] of reads) {
    const { looks: count, bytes: sum, seconds: time } = tables[table] ?? { looks: 0, bytes: 0, seconds: 0 };
    tables[table] = {
      looks: count + 1,
      bytes: sum + Math.round(bytes),
      seconds: Math.round(1000 * (time + seconds)) / 1000,
    };
  }
  return [{ day, tables }, ...before.slice(0, 1)];
}

export const isSourceReads = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (each) =>
      isJsonObject(each) &&
      typeof each.day === 'string' &&
      isJsonObject(each.tables) &&
      Object.values(each.tables).every(isTableReads),
  );

const isTableReads = (value: unknown): boolean =>
  isJsonObject(value) && [value.looks, value.bytes, value.seconds].every((each) => typeof each === 'number');
