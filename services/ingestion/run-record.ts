import { TerminalError } from '../../shared/errors.ts';
import { formatRunKey, isRunId, type RunId, runFolder } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { parseJsonObject } from '../../shared/queue/parse-json.ts';
import type { TablesPlan } from './plan-tables.ts';
import { type PlannedMessages, packMessages } from './planned-messages.ts';
import type { PlannedRun } from './planned-run.ts';

/** The content of `state/runs/<run>.json`. */
export interface RunRecord extends PlannedRun {
  version: 1;
  /** ISO 8601. */
  plannedAt: string;
  /** When the plan before this one looked, ISO 8601; absent for the first. */
  since?: string;
  /** Absent in a record of an older version. */
  messages?: PlannedMessages;
}

export function formatRunRecord(
  { run, messages }: Pick<TablesPlan, 'run' | 'messages'>,
  { plannedAt, since }: { plannedAt: Date; since: string | undefined },
): Uint8Array {
  const packed = packMessages(messages);
  const record: RunRecord = {
    ...{ version: 1, ...run, plannedAt: plannedAt.toISOString() },
    ...(since && { since }),
    ...(packed && { messages: packed }),
  };
  return Buffer.from(JSON.stringify(record));
}

const suffix = '.json';

/** The runs that have a record, the oldest first; with `after`, those behind it. */
export async function* listRuns(
  ingested: Pick<ObjectStore, 'list'>,
  after: RunId | undefined,
): AsyncGenerator<RunId> {
  for await (const { key } of ingested.list(runFolder, after && formatRunKey(after))) {
    const run = key.slice(runFolder.length, -suffix.length);
    if (isRunId(run)) yield run;
  }
}

/** @throws {TerminalError} the record is not what a plan writes */
export async function readRunRecord(
  ingested: Pick<ObjectStore, 'get'>,
  run: RunId,
): Promise<RunRecord | undefined> {
  const key = formatRunKey(run);
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const record = parseJsonObject(Buffer.from(object.body).toString());
  if (record.run !== run || !Array.isArray(record.slices)) {
    throw new TerminalError('this is no record of a run', { key });
  }
  return record as unknown as RunRecord;
}

/**
 * Whether the plan came to nothing after its record was put: the next one then begins where it had begun, and finds
 * the same rows.
 */
export async function isOverridden(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  { run, since }: RunRecord,
): Promise<boolean> {
  for await (const next of listRuns(ingested, run))
    return (await readRunRecord(ingested, next))?.since === since;
  return false;
}
