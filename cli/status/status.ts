import type { DroppedRows } from '../../shared/ledger/dropped-rows.ts';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import type { Outage } from '../../shared/records/outages.ts';
import type { PlanFailure } from '../../shared/records/plan/plan-attempts.ts';
import type { Retrying } from '../../shared/records/retrying.ts';
import type { ExplainedWait } from '../waiting/explain-waits.ts';
import type { RefusedRows } from '../waiting/refused-rows.ts';
import type { LookStatus } from './describe-looks.ts';
import type { ReadStatus } from './describe-reads.ts';
import type { QueueStatus } from './evidence/read-queues.ts';
import type { Trouble } from './troubles/trouble.ts';

export interface TableStatus {
  table: string;
  /** The source table; null for the calendar. */
  source: string | null;
  /** Objects loaded so far, from the first run on. */
  objects: number;
  /** Rows that are in the table now; null where that cannot be known. */
  rows: number | null;
  /** Rows loaded so far: each version of a row counts. */
  versions: number;
  /** When the last object was loaded, ISO 8601; null where none was. */
  loadedAt: string | null;
  /** The last run that brought something new. */
  run: string | null;
  /** The table has what the source had then, ISO 8601; null until its first load is whole. */
  snapshotAt: string | null;
  /** Now minus that, in seconds. */
  ageSeconds: number | null;
  /**
   * Its newest changes are there up to then, by the column that says when a row was changed, ISO 8601; null where no index is
   * asked for them, and `snapshotAt` says all.
   */
  freshAt: string | null;
  /** Now minus that, in seconds: lateness goes by it. */
  freshAgeSeconds: number | null;
  /** That column of the source. */
  freshBy: string | null;
  /** Now minus the plan that found the newest change that is loaded, in seconds. */
  lagSeconds: number | null;
  /** Rows that are extracted and not loaded yet; null where they could not be counted in time. */
  inFlight: number | null;
  waiting: number;
  quarantined: number;
  deadLetters: number;
}

/** The last plan that found something new, and what came of it so far. */
export interface RunStatus {
  run: string;
  /** ISO 8601. */
  plannedAt: string;
  slices: number;
  /** Rows of it that are in the warehouse, or wait there; null where the warehouse cannot be asked. */
  loaded: number | null;
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

export interface PlanStatus {
  /** ISO 8601: when the last attempt began; null where no attempt is known. */
  attemptedAt: string | null;
  /** ISO 8601: the last attempt that succeeded. */
  succeededAt: string | null;
  failure: PlanFailure | null;
  /** What the last plan that succeeded has looked at; empty where an older version has planned. */
  looks: LookStatus[];
}

export interface RunningStatus {
  isRunning: boolean;
  /** null on a stage, and where nobody is running. */
  pid: number | null;
  everySeconds: number | null;
}

export interface Status {
  /** Everything was checked, and nothing needs attention. */
  ok: boolean;
  /** ISO 8601. */
  checkedAt: string;
  /** When the source was looked at last by a plan that was completed, ISO 8601; null before the first. */
  plannedAt: string | null;
  plan: PlanStatus;
  running: RunningStatus;
  /** What was read of the source today and on the last day before. */
  reads: ReadStatus[];
  /** How old the warehouse may be; null where nothing says so. */
  maxLagSeconds: number | null;
  run: RunStatus | null;
  /** Whether anything was ever loaded, as far as is known. */
  isLoaded: boolean;
  /** Whether the records of plans, runs and verifications answered: where not, what is null of them is not known. */
  areRecordsKnown: boolean;
  tables: TableStatus[];
  queues: QueueStatus[];
  deadLetters: DeadLetterStatus[];
  /** Discarded by an operator, by source table, and not brought by anything since. */
  dropped: DroppedRows[];
  retrying: Retrying[];
  /** Sides that are out. */
  outages: Outage[];
  waiting: ExplainedWait[];
  refused: RefusedRows[];
  /** The last verification; null where there was none. */
  verified: VerifiedStatus | null;
  troubles: Trouble[];
}

export interface VerifiedStatus {
  /** ISO 8601. */
  at: string;
  exact: boolean;
  /** Warehouse tables whose result was not `exact`. */
  inexact: string[];
  /** Those of them with rows that were lost or different. */
  different: string[];
}
