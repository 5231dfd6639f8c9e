import { TerminalError } from '../../shared/errors.ts';
import { formatRunKey, type RunId } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type {
  RunRecord as PlannedRecord,
  PlannedSlice,
  TableFailure,
} from '../../shared/records/run-record.ts';
import { halvesOf } from '../../shared/records/slices.ts';

/** What loading reads of a run's record. */
export type RunRecord = Pick<PlannedRecord, 'run' | 'plannedAt'> & {
  since: PlannedRecord['since'] | undefined;
  slices: readonly PlannedSlice[];
  failures: readonly Pick<TableFailure, 'table'>[];
};

/**
 * Makes a reader of one run's record, which remembers the last one: the objects of a run come together.
 *
 * @returns of the reader: undefined if there is no such record
 * @throws {TerminalError} of the reader: the record is not what a plan writes
 */
export function makeRunRecordReader(ingested: Pick<ObjectStore, 'get'>) {
  let last: RunRecord | undefined;
  return async (run: RunId): Promise<RunRecord | undefined> => {
    if (last?.run === run) return last;
    const record = await readRunRecord(ingested, formatRunKey(run));
    last = record;
    return record;
  };
}

/** @throws {TerminalError} the record is not what a plan writes */
export async function readRunRecord(
  ingested: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<RunRecord | undefined> {
  const record = await readJson(ingested, key);
  if (record === undefined) return undefined;
  const { run, plannedAt, slices, failures } = record;
  const hasAll = typeof run === 'string' && typeof plannedAt === 'string';
  if (!hasAll || !Array.isArray(slices) || !Array.isArray(failures)) {
    throw new TerminalError('this is no record of a run', { key });
  }
  return record as unknown as RunRecord;
}

/** @throws {TerminalError} the object is not JSON */
export async function readJson(
  ingested: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<Record<string, unknown> | undefined> {
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(object.body).toString());
  } catch (cause) {
    throw new TerminalError('this is not JSON', { key, cause });
  }
}

/** A slice that was too large was cut into halves, and these perhaps again. */
export function isSliceLoaded(slice: string, loaded: ReadonlySet<string>): boolean {
  if (loaded.has(slice)) return true;
  if (![...loaded].some((each) => each.startsWith(`${slice}.`))) return false;
  return halvesOf(slice).every((half) => isSliceLoaded(half, loaded));
}
