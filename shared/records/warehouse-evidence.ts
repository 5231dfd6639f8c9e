import { warehouseEvidenceKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { ViewFault } from '../warehouse/current/keep-current-views.ts';
import { isJsonObject, parseStateRecord } from './json-record.ts';

/**
 * The content of `state/warehouse.json`: what a stage's warehouse looked like a moment ago, for those who cannot reach it.
 * The freshness function writes it at each measurement.
 */
export interface WarehouseEvidence {
  /** ISO 8601. */
  at: string;
  /** What the ledger lacks of what is remembered; null where it lacks nothing. */
  gap: { missing: number; wentBackTo: string | null } | null;
  /** Who holds a star table under an exclusive lock, in words; null where nobody does. */
  lock: string | null;
  /** See `findDroppedRows`; absent in what an older release has written. */
  dropped?: { table: string; objects: number; droppedAt: string }[];
  /** Views of current rows that are not as they should be; absent in what an older release has written. */
  views?: ViewFault[];
  /** See `selectCensuses`; absent in what an older release has written. */
  censuses?: {
    table: string;
    state: 'applied' | 'held' | 'due' | 'unmarked';
    reason: string | null;
    at: string;
    /** Absent, as the generation is, in what an older release has written. */
    run?: string;
    /** Decimal digits. */
    generation?: string;
  }[];
  tables: TableEvidence[];
}

export interface TableEvidence {
  table: string;
  /** ISO 8601; null where it is unknown, or the first load is not whole. */
  asOf: string | null;
  /** Up to when its newest changes are there, ISO 8601; absent where no index is asked for them. */
  freshAsOf?: string;
  /** The column that says when a row was changed. */
  freshBy?: string;
  objects: number;
  versions: number;
  /** Rows in the table; null where they are not known. */
  rows: number | null;
  /** ISO 8601; null where nothing was loaded. */
  loadedAt: string | null;
  firstRun: string | null;
  lastRun: string | null;
  /** Rows that wait for a dimension row. */
  waiting: number;
  /** See `TableCount`; null where the rows are not counted, as those of the calendar. */
  count: {
    state: 'equal' | 'different' | 'missing' | 'rebuilding' | 'forbidden';
    loaded: number;
    holds: number | null;
    unloaded: number;
    role?: string;
  } | null;
}

/** @throws {TerminalError} the object is not what Starlift writes; the message names its key and what to do */
export async function readWarehouseEvidence(
  ingested: Pick<ObjectStore, 'get'>,
): Promise<WarehouseEvidence | undefined> {
  const object = await ingested.get(warehouseEvidenceKey);
  return (
    object &&
    (parseStateRecord(warehouseEvidenceKey, object.body, isEvidence) as unknown as WarehouseEvidence)
  );
}

export async function writeWarehouseEvidence(
  ingested: Pick<ObjectStore, 'put'>,
  evidence: WarehouseEvidence,
): Promise<void> {
  await ingested.put(warehouseEvidenceKey, Buffer.from(JSON.stringify({ version: 1, ...evidence })));
}

const isEvidence = ({ at, gap, lock, dropped, views, censuses, tables }: Record<string, unknown>): boolean =>
  typeof at === 'string' &&
  (censuses === undefined || (Array.isArray(censuses) && censuses.every(isJsonObject))) &&
  (dropped === undefined || (Array.isArray(dropped) && dropped.every(isJsonObject))) &&
  (views === undefined || (Array.isArray(views) && views.every(isJsonObject))) &&
  (gap === null || isJsonObject(gap)) &&
  (lock === null || typeof lock === 'string') &&
  Array.isArray(tables) &&
  tables.every((table) => isJsonObject(table) && typeof table.table === 'string');
