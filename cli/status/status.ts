import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import type { ExplainedWait } from '../waiting/explain-waits.ts';
import type { RefusedRows } from '../waiting/refused-rows.ts';

export interface TableStatus {
  table: string;
  /** The source table; null for the calendar. */
  source: string | null;
  /** Objects and rows loaded so far, from the first run on. */
  objects: number;
  rows: number;
  /** When the last object was loaded, ISO 8601; null where none was. */
  loadedAt: string | null;
  /** The last run that brought something new. */
  run: string | null;
  /** The warehouse has what the source had then, ISO 8601; null where nothing has been loaded. */
  snapshotAt: string | null;
  /** Now minus the plan that found the newest change that is loaded, in seconds. */
  lagSeconds: number | null;
  /** Rows that are extracted and not loaded yet. */
  inFlight: number;
  waiting: number;
  quarantined: number;
  deadLetters: number;
}

export interface QueueStatus {
  queue: QueueKind;
  /** Messages that wait for a handler, including delayed ones. */
  ready: number;
  inFlight: number;
  /** Age of the oldest message, in seconds; null for an empty queue, or where it cannot be known. */
  oldestSeconds: number | null;
  deadLetters: number;
  oldestDeadLetterSeconds: number | null;
}

/** The last plan that found something new, and what came of it so far. */
export interface RunStatus {
  run: string;
  /** ISO 8601. */
  plannedAt: string;
  slices: number;
  /** Rows of it that are in the warehouse, or wait there. */
  loaded: number;
  /** Such as new columns in the source. */
  warnings: string[];
}

export interface DeadLetterStatus {
  queue: QueueKind;
  messageId: string;
  table: string | null;
  key: string | null;
  error: string;
  reason: string;
  /** ISO 8601. */
  failedAt: string;
}

/** Something that needs attention, and the command that fixes it or shows more. */
export interface Trouble {
  kind: 'missing' | 'failed' | 'cannot be extracted' | 'quarantined' | 'waiting' | 'refused';
  table: string | null;
  text: string;
  command: string;
}

export interface Status {
  /** Nothing needs attention. */
  ok: boolean;
  /** When the source was looked at last, ISO 8601; null before the first run. */
  plannedAt: string | null;
  run: RunStatus | null;
  tables: TableStatus[];
  queues: QueueStatus[];
  deadLetters: DeadLetterStatus[];
  waiting: ExplainedWait[];
  refused: RefusedRows[];
  troubles: Trouble[];
}
