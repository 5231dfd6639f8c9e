import { TerminalError } from '../errors.ts';
import { loadedKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { isDigits, parseJsonRecord } from './json-record.ts';

/**
 * The content of `state/loaded.json`: what the ledger held when it was last read. A ledger that holds less has gone
 * back, as after a restore of the warehouse.
 */
export interface Loaded {
  /** The entry with the greatest id; null if the ledger was empty. */
  newest: LedgerEntry | null;
  /** Entries up to that one. */
  entries: number;
  /** The greatest generation of any entry, decimal digits: the next one that begins must be above it. */
  generation: string;
  /** The source tables whose first load was whole by then; absent in what an older release has written. */
  whole?: string[];
}

export interface LedgerEntry {
  /** Decimal digits of an int8. */
  id: string;
  key: string;
  /** ISO 8601 in UTC, to the microsecond. */
  enteredAt: string;
}

/** @throws {TerminalError} the object is not what `writeLoaded` writes; the message names its key and what to do */
export async function readLoaded(
  ingested: Pick<ObjectStore, 'get'>,
): Promise<{ loaded: Loaded; etag: string } | undefined> {
  const object = await ingested.get(loadedKey);
  return object && { loaded: parseLoaded(object.body), etag: object.etag };
}

/** @returns false if another process was faster: what it wrote is as new */
export const writeLoaded = (
  ingested: Pick<ObjectStore, 'replace'>,
  loaded: Loaded,
  etag: string | undefined,
): Promise<boolean> =>
  ingested.replace(loadedKey, Buffer.from(JSON.stringify({ version: 1, ...loaded })), etag);

function parseLoaded(body: Uint8Array): Loaded {
  const value = parseJsonRecord(body, (_, cause) => malformed(cause));
  const newest = value.newest as Partial<LedgerEntry> | null | undefined;
  const hasEntry =
    newest === null || (isDigits(newest?.id) && isText(newest?.key) && isText(newest?.enteredAt));
  const isWhole = value.whole === undefined || (Array.isArray(value.whole) && value.whole.every(isText));
  if (
    value.version !== 1 ||
    !isWhole ||
    !hasEntry ||
    !Number.isInteger(value.entries) ||
    !isDigits(value.generation)
  ) {
    throw malformed();
  }
  return value as unknown as Loaded;
}

const malformed = (cause?: unknown): TerminalError =>
  new TerminalError(`${loadedKey} is not what Starlift writes. Delete it: the next run writes it again`, {
    key: loadedKey,
    cause,
  });

const isText = (value: unknown): boolean => typeof value === 'string';
