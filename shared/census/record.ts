import { TerminalError } from '../errors.ts';
import { formatCensusRecordKey, isRunId, type RunId } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseJsonRecord } from '../records/json-record.ts';
import type { ExtractMessage } from '../records/plan/extract-message.ts';

/**
 * The content of `state/censuses/<run>.json`: the censuses that a plan has sent. They have a run of their own, apart from the
 * record of the rows that the plan has sent, because nothing that counts rows waits for them.
 */
export interface CensusRecord {
  run: RunId;
  /** ISO 8601. */
  plannedAt: string;
  /** One for each table. */
  messages: ExtractMessage[];
}

export async function putCensusRecord(
  ingested: Pick<ObjectStore, 'put'>,
  record: CensusRecord,
): Promise<void> {
  await ingested.put(
    formatCensusRecordKey(record.run),
    Buffer.from(JSON.stringify({ version: 1, ...record })),
  );
}

/** @throws {TerminalError} the record is not what a plan writes */
export async function readCensusRecord(
  ingested: Pick<ObjectStore, 'get'>,
  run: RunId,
): Promise<CensusRecord | undefined> {
  const key = formatCensusRecordKey(run);
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const malformed = (cause?: unknown) =>
    new TerminalError(`${key} is not the record of censuses`, { key, cause });
  const record = parseJsonRecord(object.body, (_, cause) => malformed(cause));
  const isWhole = typeof record.plannedAt === 'string' && Array.isArray(record.messages);
  if (record.run !== run || !isRunId(run) || !isWhole) throw malformed();
  return record as unknown as CensusRecord;
}
