import type { WaitingCause } from '../waiting/explain-waits.ts';

/** A row as texts by column, as Postgres writes them. */
export type RowTexts = Readonly<Record<string, string | null>>;

/** All that is known of one row, on its way from the source to the warehouse. */
export interface Trace {
  /** The warehouse has what the source has, or will have it without anybody's doing. */
  ok: boolean;
  /** The warehouse table. */
  table: string;
  /** The source table. */
  source: string;
  key: RowTexts;
  verdict: Verdict;
  /** What could not be asked, each with the reason. */
  unanswered: { part: 'source' | 'warehouse' | 'objects' | 'queues'; reason: string }[];
  /** The row that the source has now, as the warehouse must hold it; null where it has none, or was not asked. */
  sourceRow: RowTexts | null;
  /** The newest first. */
  versions: TracedVersion[];
  waiting: WaitingVersion[];
  quarantine: TracedQuarantine[];
  failures: TracedFailure[];
}

/**
 * - `same`: the warehouse has the source's row
 * - `late`: the source's row is newer than what is loaded
 * - `waiting`: it waits for a dimension row
 * - `quarantined`: it broke the contract
 * - `failed`: a message that may have it has failed for good
 * - `deleted`: the source no longer has it; well where all of its rows are marked so, or kept
 * - `different`: the warehouse has another row, or none, and nothing explains it
 * - `unknown`: neither side has it, or a side does not answer
 */
export interface Verdict {
  kind: 'same' | 'late' | 'waiting' | 'quarantined' | 'failed' | 'deleted' | 'different' | 'unknown';
  text: string;
  /** How old what the warehouse has of the table is, where it is late. */
  lateSeconds: number | null;
  /** Columns in which the two sides differ. */
  columns: string[];
  /** The command that mends it; null where there is nothing to mend. */
  command: string | null;
}

/** The census that has not found a row's key in the source, and so has marked the row as deleted. */
export interface TracedDeletion {
  /** The processed object's; null where the ledger does not know it, as of a mark that somebody else has set. */
  key: string | null;
  run: string | null;
  /** ISO 8601: when the census was planned; the row was gone then, or soon after. */
  plannedAt: string | null;
  /** When it was applied first. */
  appliedAt: string | null;
}

/** One row of the warehouse. */
export interface TracedVersion {
  row: RowTexts;
  /** null where the row is not marked as deleted. */
  deleted: TracedDeletion | null;
  /** It is the one that the view of current rows has. */
  isCurrent: boolean;
  /** The object that has brought it; null where the ledger does not know it. */
  object: TracedObject | null;
}

export interface TracedObject {
  /** The processed object's. */
  key: string;
  ingestedKey: string;
  run: string;
  slice: string;
  revision: number;
  snapshot: { generation: string; xmax: string; xmin: string; tie: string };
  /** ISO 8601; null where the object is gone, or could not be asked. */
  plannedAt: string;
  extractedAt: string | null;
  transformedAt: string | null;
  /** When it was loaded first, and last. */
  loadedAt: string;
  reloadedAt: string | null;
  /** The row's line in the NDJSON and in the Parquet; null where it was not found or not looked for. */
  ingestedLine: { line: number; text: string } | null;
  processedLine: { line: number; text: string } | null;
}

export interface WaitingVersion {
  row: RowTexts;
  /** As of a version. */
  deleted: TracedDeletion | null;
  waitsFor: { dimension: string; key: string; cause: WaitingCause; command: string }[];
  object: TracedObject | null;
}

export interface TracedQuarantine {
  file: string;
  ingestedKey: string;
  line: number;
  column: string | null;
  reason: string;
}

export interface TracedFailure {
  queue: string;
  reason: string;
  failedAt: string;
  objectKey: string | null;
  /** Whether the row is in that object; null where that is not known. */
  hasRow: boolean | null;
  command: string;
}
