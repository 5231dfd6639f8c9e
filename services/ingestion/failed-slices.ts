import type { SQSRecord } from 'aws-lambda';
import { TerminalError } from '../../shared/errors.ts';
import { type ReportDeps, reportFailure, tell } from '../../shared/handler/report-failure.ts';
import type { RecordFailure } from '../../shared/handler/sqs-records.ts';
import { formatFailedKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { type ExtractMessage, parseExtractMessage } from '../../shared/queue/extract-message.ts';
import type { FailureReason } from '../../shared/queue/message-error.ts';

export interface FailedSlicesDeps {
  ingested: Pick<ObjectStore, 'put' | 'delete'>;
  report: ReportDeps;
}

/** Records a dead-lettered slice in S3, for dead letters expire, and tells the outside of it. */
export async function recordFailure(failure: RecordFailure, deps: FailedSlicesDeps): Promise<void> {
  const { record, action } = failure;
  const message = action === 'dead-letter' ? parseOrUndefined(record.body) : undefined;
  if (message === undefined) return reportFailure(failure, deps.report);
  const { run, slice, table } = message;
  const reason = { ...failure.reason, table, key: formatFailedKey(run, slice) };
  await putRecord(deps.ingested, record.body, reason);
  return reportFailure({ ...failure, reason }, deps.report);
}

/** @param reason its key is the record's; without one the message is no slice's, and nothing is recorded */
export async function putRecord(
  ingested: Pick<ObjectStore, 'put'>,
  body: string,
  { key, ...content }: FailureReason,
): Promise<void> {
  if (key !== undefined) await ingested.put(key, Buffer.from(JSON.stringify({ ...content, body })));
}

/** Takes the record of a failure back when its redriven message succeeds. */
export async function recordRecovery(
  record: Pick<SQSRecord, 'messageAttributes'>,
  { run, slice, table }: ExtractMessage,
  { ingested, report }: FailedSlicesDeps,
): Promise<void> {
  // Only a message that has been a dead letter says when it failed.
  if (record.messageAttributes.failedAt === undefined) return;
  const key = formatFailedKey(run, slice);
  await ingested.delete(key);
  await tell({ type: 'Table Recovered', detail: { queue: report.queue, table, key } }, report);
}

function parseOrUndefined(body: string): ExtractMessage | undefined {
  try {
    return parseExtractMessage(body);
  } catch (error) {
    // A body that cannot be read is why the record failed, and the reason says so.
    if (error instanceof TerminalError) return undefined;
    throw error;
  }
}
