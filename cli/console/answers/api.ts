import type { TableDeletes } from '../../deletes/list-deletes.ts';
import type { FailureGroup } from '../../failures/list-failures.ts';
import type { Zone, ZoneObject } from '../../objects/list-objects.ts';
import type { ListedRuns } from '../../runs/list-runs.ts';
import type { DescribedTable } from '../../schema/describe-table.ts';
import type { Status } from '../../status/status.ts';

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

/** `GET table`: what has come into a table lately. */
export interface TableAnswer {
  table: string;
  /** Of the last day, the oldest first; null where the warehouse does not answer. */
  loads: TableLoad[] | null;
  /** Why it does not. */
  warehouse: string | null;
  /** The newest of both zones. */
  objects: ZoneObject[];
}

export interface TableLoad {
  run: string;
  /** ISO 8601. */
  plannedAt: string;
  loadedAt: string;
  rows: number;
}

/** `GET object`: the first rows of an object, beside those of the ones made from it, or that it was made from. */
export interface ObjectAnswer {
  shown: ShownObject;
  others: ShownObject[];
}

export interface ShownObject {
  zone: Zone;
  table: string;
  key: string;
  run: string;
  /** null where there is no such object. */
  rows: number | null;
  bytes: number | null;
  /** Its first rows, as lines of JSON. */
  lines: string[];
  /** Why it cannot be read; null where it can. */
  problem: string | null;
}

/** `GET attention`: all that waits for somebody's decision. */
export interface AttentionAnswer {
  failures: Part<FailureGroup[]>;
  quarantine: Part<{ table: string; rows: number; commands: OfferedCommand[] }[]>;
  waiting: Part<{ text: string; commands: OfferedCommand[] }[]>;
  deletes: Part<(TableDeletes & { commands: OfferedCommand[] })[]>;
}

/** A part that was asked by itself. */
export type Part<T> = { answered: true; value: T } | { answered: false; reason: string };

export interface OfferedCommand {
  /** When it is the right one. */
  when: string;
  command: string;
}

/** `GET quarantine`: what broke the contract, with the values. */
export interface QuarantineAnswer {
  rows: { line: number; key: string; column: string | null; reason: string; row: string | null }[];
  /** Rows that are not listed. */
  more: number;
}

/** `GET model`. */
export interface ModelAnswer {
  tables: (DescribedTable & { kind: ConsoleTable['kind']; view: string | null; viewIs: string | null })[];
}

/** `GET source`: what plans read from it. */
export interface SourceAnswer {
  tables: SourceTableAnswer[];
  /** When the last plan looked, ISO 8601; null before the first. */
  plannedAt: string | null;
}

export interface SourceTableAnswer {
  name: string;
  key: readonly string[];
  columns: number;
  /** Tables that are extracted along with it. */
  joins: string[];
  /** Warehouse tables. */
  feeds: readonly string[];
  /** When plans looked at it last, ISO 8601; earlier than the last plan where they leave it out. */
  plannedAt: string | null;
  /** The last run that found something in it. */
  run: string | null;
  /** Runs of the last day that found something in it. */
  runsOfDay: number;
  /** Who holds it, or why it cannot be extracted. */
  problem: string | null;
}

/** `GET examples`: three queries of the current views. */
export type SqlExamples = { title: string; query: string }[];

/** `POST sql`. */
export interface SqlAnswer {
  columns: { name: string; isNumber: boolean }[];
  rows: (string | null)[][];
  /** There are more rows than are shown. */
  isCut: boolean;
  seconds: number;
}

/** `POST act`: what a command has printed. */
export interface ActAnswer {
  code: number;
  output: string;
}
