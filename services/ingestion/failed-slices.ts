import type { Logger } from '@aws-lambda-powertools/logger';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSRecord } from 'aws-lambda';
import { TerminalError } from '../../shared/errors.ts';
import { type PipelineEvent, putEvent } from '../../shared/events.ts';
import type { RecordFailure } from '../../shared/handler/sqs-records.ts';
import { formatFailedKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { type ExtractMessage, parseExtractMessage } from '../../shared/queue/extract-message.ts';

export interface FailedSlicesDeps {
  ingested: Pick<ObjectStore, 'put' | 'delete'>;
  eventBridge: Pick<EventBridgeClient, 'send'>;
  logger: Pick<Logger, 'error' | 'warn'>;
}

/** Records a dead-lettered slice in S3, for dead letters expire, and tells the outside of it. */
export async function recordFailure(failure: RecordFailure, deps: FailedSlicesDeps): Promise<void> {
  const { record, error, reason, action } = failure;
  if (action !== 'dead-letter') {
    deps.logger.warn('the slice goes back to the queue', { reason });
    return;
  }
  deps.logger.error('the slice goes to the dead-letter queue', { error });
  const message = parseOrUndefined(record.body);
  const table = message?.table ?? reason.table;
  const key = message && formatFailedKey(message.run, message.slice);
  if (key !== undefined) {
    const content = { table, ...reason, body: record.body };
    await deps.ingested.put(key, Buffer.from(JSON.stringify(content)));
  }
  const detail = { stage: 'extract', error: reason.error, reason: reason.reason };
  const subject = { ...(table && { table }), ...(key && { key }) };
  await tell({ type: 'Table Failed', detail: { ...detail, ...subject } }, deps);
}

/** Takes the record of a failure back when its redriven message succeeds. */
export async function recordRecovery(
  record: Pick<SQSRecord, 'messageAttributes'>,
  { run, slice, table }: ExtractMessage,
  deps: FailedSlicesDeps,
): Promise<void> {
  // Only a message that has been a dead letter says when it failed.
  if (record.messageAttributes.failedAt === undefined) return;
  const key = formatFailedKey(run, slice);
  await deps.ingested.delete(key);
  await tell({ type: 'Table Recovered', detail: { stage: 'extract', table, key } }, deps);
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

/** What an event could not tell stands in S3 and in the dead-letter queue; it must not undo either. */
async function tell(event: PipelineEvent, { eventBridge, logger }: FailedSlicesDeps): Promise<void> {
  try {
    await putEvent(eventBridge, event);
  } catch (error) {
    logger.error('the event could not be put', { type: event.type, error: error as Error });
  }
}
