import { TerminalError } from '../../shared/errors.ts';
import { captureStateKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';

/** Up to where the source was captured: rows of other xids than these are new. */
export interface CapturedXids {
  /** Every xid below was finished, except those in the list. Decimal digits of an xid8. */
  base: string;
  inProgress: string[];
}

/** What the last plan knew of a table; a table that failed is extracted in full once it is mended. */
export type TableState = { fingerprint: string } | { failed: string };

/** What one plan leaves for the next. */
export interface CaptureState {
  version: 1;
  /** Goes up with each identity of the source: see nextGeneration. */
  generation: string;
  identity: string;
  /** Absent until a plan of this generation is complete. */
  captured?: CapturedXids;
  tables: Record<string, TableState>;
  /** When the last complete plan looked at the source, ISO 8601: up to then all that was committed is captured. */
  plannedAt?: string;
}

/** The state and the etag under which it was read. */
export interface ReadState {
  state: CaptureState;
  etag: string;
}

/** @throws {TerminalError} the state is corrupt */
export async function readCaptureState(ingested: Pick<ObjectStore, 'get'>): Promise<ReadState | undefined> {
  const object = await ingested.get(captureStateKey);
  return object && { state: parseCaptureState(object.body), etag: object.etag };
}

export const formatCaptureState = (state: CaptureState): Uint8Array => Buffer.from(JSON.stringify(state));

/** @throws {TerminalError} it is no capture state; the message names its key and what to do */
export function parseCaptureState(body: Uint8Array): CaptureState {
  const value = parseJson(body);
  if (!isObject(value)) throw corrupt('it is no JSON object');
  if (value.version !== 1) throw corrupt(`its version is ${JSON.stringify(value.version)}`);
  if (!isDigits(value.generation)) throw corrupt('it has no valid generation');
  if (typeof value.identity !== 'string') throw corrupt('it has no identity');
  if (value.captured !== undefined && !isCaptured(value.captured)) throw corrupt('its xids are not valid');
  if (!isObject(value.tables) || !Object.values(value.tables).every(isTableState)) {
    throw corrupt('its tables are not valid');
  }
  if (value.plannedAt !== undefined && Number.isNaN(Date.parse(String(value.plannedAt)))) {
    throw corrupt(`its plannedAt is ${JSON.stringify(value.plannedAt)}`);
  }
  return value as unknown as CaptureState;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (cause) {
    throw corrupt('it is not JSON', cause);
  }
}

function isCaptured(value: unknown): boolean {
  return (
    isObject(value) &&
    isDigits(value.base) &&
    Array.isArray(value.inProgress) &&
    value.inProgress.every(isDigits)
  );
}

const isTableState = (value: unknown): boolean =>
  isObject(value) && (typeof value.fingerprint === 'string' || typeof value.failed === 'string');

const isDigits = (value: unknown): boolean => typeof value === 'string' && /^\d{1,20}$/.test(value);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function corrupt(reason: string, cause?: unknown): TerminalError {
  return new TerminalError(
    `the capture state ${captureStateKey} is corrupt: ${reason}. Restore it, or delete it to extract everything anew`,
    { key: captureStateKey, cause },
  );
}
