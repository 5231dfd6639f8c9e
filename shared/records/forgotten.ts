import {
  forgettingFolder,
  forgottenFolder,
  formatForgettingKey,
  formatForgottenKey,
} from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseStateRecord } from './json-record.ts';

/** What was removed, over all attempts at one request. */
export interface Removed {
  /** Lines of the ingested zone, and keys of its censuses. */
  ingested: number;
  /** The same of the processed zone. */
  processed: number;
  quarantined: number;
  /** Rows of warehouse tables, histories among them. */
  loaded: number;
  /** Of facts that waited. */
  waiting: number;
  /** Objects that were replaced. */
  objects: number;
  /** Old versions of objects in S3 that were deleted. */
  oldVersions: number;
}

export const nothingRemoved: Removed = {
  ingested: 0,
  processed: 0,
  quarantined: 0,
  loaded: 0,
  waiting: 0,
  objects: 0,
  oldVersions: 0,
};

/** That a row was forgotten, without its values. */
export interface ForgottenRow {
  /** A hash of the source table and the key. */
  id: string;
  /** The source table. */
  table: string;
  /** ISO 8601. */
  begunAt: string;
  /** ISO 8601; null where it has not ended. */
  endedAt: string | null;
  /** Who typed the command: user@machine. */
  by: string;
  withFacts: boolean;
  removed: Removed;
}

/** Goes on with a request that has not ended, or begins one. */
export async function beginForgetting(
  ingested: Pick<ObjectStore, 'get' | 'put'>,
  { id, table, by, withFacts }: Pick<ForgottenRow, 'id' | 'table' | 'by' | 'withFacts'>,
  now: Date,
): Promise<ForgottenRow> {
  const open = await readOne(ingested, formatForgettingKey(id));
  const row: ForgottenRow = {
    id,
    table,
    begunAt: open?.begunAt ?? now.toISOString(),
    endedAt: null,
    by,
    withFacts,
    removed: open?.removed ?? nothingRemoved,
  };
  await ingested.put(formatForgettingKey(id), format(row));
  return row;
}

export const noteRemoved = (ingested: Pick<ObjectStore, 'put'>, row: ForgottenRow): Promise<void> =>
  ingested.put(formatForgettingKey(row.id), format(row));

/** A row that comes back and is forgotten once more has a record for each time. */
export async function endForgetting(
  ingested: Pick<ObjectStore, 'put' | 'delete'>,
  row: ForgottenRow,
  now: Date,
): Promise<ForgottenRow> {
  const ended = { ...row, endedAt: now.toISOString() };
  const name = `${row.begunAt.replaceAll(/[-:.]/g, '')}-${row.id.slice(0, 16)}`;
  await ingested.put(formatForgottenKey(name), format(ended));
  await ingested.delete(formatForgettingKey(row.id));
  return ended;
}

/** Those that have not ended. */
export const listForgetting = (ingested: Pick<ObjectStore, 'get' | 'list'>): Promise<ForgottenRow[]> =>
  listRows(ingested, forgettingFolder);

/** Those that have ended, the oldest first. */
export const listForgotten = (ingested: Pick<ObjectStore, 'get' | 'list'>): Promise<ForgottenRow[]> =>
  listRows(ingested, forgottenFolder);

async function listRows(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  folder: string,
): Promise<ForgottenRow[]> {
  const rows: ForgottenRow[] = [];
  for await (const { key } of ingested.list(folder)) {
    const row = await readOne(ingested, key);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

const format = (row: ForgottenRow): Uint8Array => Buffer.from(JSON.stringify({ version: 1, ...row }));

async function readOne(ingested: Pick<ObjectStore, 'get'>, key: string): Promise<ForgottenRow | undefined> {
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const isRow = ({ id, table, begunAt, by, removed }: Record<string, unknown>): boolean =>
    [id, table, begunAt, by].every((each) => typeof each === 'string') &&
    typeof removed === 'object' &&
    removed !== null;
  return parseStateRecord(key, object.body, isRow) as unknown as ForgottenRow;
}
