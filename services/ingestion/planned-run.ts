import type { RunId, SliceId } from '../../shared/object-store/object-key.ts';

export interface PlannedSlice {
  slice: SliceId;
  /** The source table. */
  table: string;
  /** All rows of the slice, not only new ones. */
  full: boolean;
}

/** A table that cannot be extracted as it is. The others go on. */
export interface TableFailure {
  table: string;
  error: string;
  reason: string;
}

/** What a plan found and sent: the result of the plan function, and most of the record of the run. */
export interface PlannedRun {
  run: RunId;
  generation: string;
  /** One for each message that was sent. */
  slices: PlannedSlice[];
  /** Of all tables that fail now, whether an earlier plan has seen it or not. */
  failures: TableFailure[];
  warnings: string[];
}
