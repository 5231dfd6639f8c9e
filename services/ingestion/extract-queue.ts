import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { TerminalError } from '../../shared/errors.ts';
import { notifyOrLog, type ReportDeps, reportFailure } from '../../shared/handler/report-failure.ts';
import type { RecordFailure } from '../../shared/handler/sqs-records.ts';
import { formatFailedKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { FailureReason } from '../../shared/queue/dead-letter.ts';
import { sendAll } from '../../shared/queue/send-all.ts';
import {
  type ExtractMessage,
  formatExtractMessage,
  parseExtractMessage,
} from '../../shared/records/plan/extract-message.ts';

/**
 * Makes the function that puts messages on the extract queue.
 *
 * @throws {TransientError} of the function: SQS did not accept all of them
 */
export const makeSend =
  (sqs: Pick<SQSClient, 'send'>, queueUrl: string) =>
  (messages: readonly ExtractMessage[]): Promise<void> =>
    sendAll(
      sqs,
      queueUrl,
      messages.map((message) => ({ body: formatExtractMessage(message) })),
    );

export interface FailedSlicesDeps {
  ingested: Pick<ObjectStore, 'put' | 'delete'>;
  report: ReportDeps;
}

/** Records a dead-lettered slice in S3, because dead letters expire, and reports it. */
export async function recordFailure(failure: RecordFailure, deps: FailedSlicesDeps): Promise<void> {
  const { record, verdict } = failure;
  const message = verdict.action === 'dead-letter' ? parseOrUndefined(record.body) : undefined;
  if (message === undefined) return reportFailure(failure, deps.report);
  const named = nameSlice(failure);
  await putFailureRecord(deps.ingested, record.body, named.reason);
  return reportFailure(named, deps.report);
}

/** The failure with its slice's table, and as its key that of the record that a dead letter leaves. */
export function nameSlice(failure: RecordFailure): RecordFailure {
  const message = parseOrUndefined(failure.record.body);
  if (message === undefined) return failure;
  const { run, slice, table } = message;
  return { ...failure, reason: { ...failure.reason, table, key: formatFailedKey(run, slice) } };
}

/** @param reason has the record's key; without one the message belongs to no slice, and nothing is recorded */
export async function putFailureRecord(
  ingested: Pick<ObjectStore, 'put'>,
  body: string,
  { key, ...content }: FailureReason,
): Promise<void> {
  if (key !== undefined) await ingested.put(key, Buffer.from(JSON.stringify({ ...content, body })));
}

/** Deletes the record of a failure when its redriven message succeeds. */
export async function recordRecovery(
  record: Pick<SQSRecord, 'messageAttributes'>,
  { run, slice, table }: ExtractMessage,
  { ingested, report }: FailedSlicesDeps,
): Promise<void> {
  // Only a redriven message carries the time of its failure.
  if (record.messageAttributes.failedAt === undefined) return;
  const key = formatFailedKey(run, slice);
  await ingested.delete(key);
  await notifyOrLog({ type: 'Table Recovered', detail: { queue: report.queue, table, key } }, report);
}

function parseOrUndefined(body: string): ExtractMessage | undefined {
  try {
    return parseExtractMessage(body);
  } catch (error) {
    // The record failed because its body cannot be read, and the reason says so.
    if (error instanceof TerminalError) return undefined;
    throw error;
  }
}
