import type { ListedRuns } from '../runs/list-runs.ts';
import type { Status } from '../status/status.ts';

/** What the page is sent again and again: the evidence of `starlift status` and `starlift runs`. */
export interface Snapshot {
  /** null where not even the site can be opened. */
  status: Status | null;
  runs: ListedRuns['runs'];
  /** Why there is no status. */
  error: string | null;
  /** ISO 8601: since when what is said of it has been so; null where that began before this console did. */
  since: string | null;
  /** Looks are made again and again. Otherwise nobody runs, and the next one is made when it is asked for. */
  isLive: boolean;
  load: LoadProgress | null;
}

/** Of rows that are on their way to the warehouse. */
export interface LoadProgress {
  /** Extracted, and not loaded yet. */
  rows: number;
  /** Messages that are still to be extracted: their rows are not counted yet. */
  slices: number;
  /** As loaded lately; null where nothing is known yet. */
  rowsPerSecond: number | null;
}

/** What does not change while the console runs. */
export interface ConsoleInfo {
  /** The model's name. */
  model: string;
  /** Such as ` --data DIR`. */
  selector: string;
  version: string;
  allowsActions: boolean;
  tables: ConsoleTable[];
}

export interface ConsoleTable {
  name: string;
  kind: 'fact' | 'dimension' | 'table' | 'calendar';
  /** Warehouse tables whose keys it holds. */
  references: string[];
}
