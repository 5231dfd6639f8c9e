import { verifiedKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { isJsonObject, parseStateRecord } from './json-record.ts';

/** The content of `state/verified.json`: what the last comparison of source and warehouse found. */
export interface Verified {
  /** ISO 8601: when the comparison began. */
  at: string;
  /** No table was lost, different, deleted or uncompared. Rows that were late or known to be missing do not count. */
  exact: boolean;
  tables: VerifiedTable[];
}

export interface VerifiedTable {
  /** Of the warehouse. */
  table: string;
  /** ISO 8601: what was committed in the source by then was compared; null where no plan was known. */
  asOf: string | null;
  /** Source rows that were compared, late ones not among them. */
  rows: number;
  result: VerifiedResult;
}

/**
 * - `exact`: every row that was compared is there with its values
 * - `different`: a row is lost, different, doubled, or refers to a missing one
 * - `deleted`: nothing but rows whose key the source no longer has
 * - `uncompared`: the table, or a column of it, could not be compared
 */
export type VerifiedResult = (typeof results)[number];

const results = ['exact', 'different', 'deleted', 'uncompared'] as const;

/** @throws {TerminalError} the object is not what Starlift writes; the message names its key and what to do */
export async function readVerified(ingested: Pick<ObjectStore, 'get'>): Promise<Verified | undefined> {
  const object = await ingested.get(verifiedKey);
  return object && (parseStateRecord(verifiedKey, object.body, isVerified) as unknown as Verified);
}

export async function writeVerified(ingested: Pick<ObjectStore, 'put'>, verified: Verified): Promise<void> {
  await ingested.put(verifiedKey, Buffer.from(JSON.stringify({ version: 1, ...verified })));
}

const isVerified = ({ at, exact, tables }: Record<string, unknown>): boolean =>
  isTime(at) && typeof exact === 'boolean' && Array.isArray(tables) && tables.every(isTable);

const isTable = (value: unknown): boolean =>
  isJsonObject(value) &&
  typeof value.table === 'string' &&
  (value.asOf === null || isTime(value.asOf)) &&
  Number.isInteger(value.rows) &&
  results.some((result) => result === value.result);

const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
