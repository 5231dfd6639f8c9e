import type { Logger } from '@aws-lambda-powertools/logger';
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { toPipelineError } from '../classify-error.ts';
import type { PipelineError } from '../errors.ts';
import { makeDeadLetterAttributes } from '../queue/dead-letter-attributes.ts';
import { type FailureReason, failureReasonOf } from '../queue/message-error.ts';
import { deadLetterQueueName } from '../queue/queue-settings.ts';
import { decideRetry } from '../queue/retry-policy.ts';

export interface RecordsDeps {
  sqs: Pick<SQSClient, 'send'>;
  queueUrl: string;
  /** Told of every failed record; where an operator is told, this is where it happens. */
  onFailure?: (failure: RecordFailure) => void | Promise<void>;
  /** Told of what goes wrong after a failure; such a record comes back when its time is over. */
  logger?: Pick<Logger, 'error'>;
}

export interface RecordFailure {
  record: SQSRecord;
  error: PipelineError;
  reason: FailureReason;
  action: 'dead-letter' | 'retry';
}

export type RecordHandler<C> = (record: SQSRecord, context: C) => Promise<void>;

/**
 * Makes a handler of SQS batches from a handler of one record that knows nothing of batches.
 *
 * One bad record never takes its neighbours along: it goes to the dead-letter queue with its reason, or back to
 * its queue for later, and the rest of the batch goes on.
 *
 * @example
 * export const handler = middy(handleRecords(async (record, context) => load(record.body, context.deps), deps));
 */
export function handleRecords<C>(handleRecord: RecordHandler<C>, deps: RecordsDeps) {
  return async (event: SQSEvent, context: C): Promise<SQSBatchResponse> => {
    const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
    for (const record of event.Records) {
      if (!(await isDoneWith(record, context, handleRecord, deps))) {
        batchItemFailures.push({ itemIdentifier: record.messageId });
      }
    }
    return { batchItemFailures };
  };
}

async function isDoneWith<C>(
  record: SQSRecord,
  context: C,
  handleRecord: RecordHandler<C>,
  deps: RecordsDeps,
): Promise<boolean> {
  try {
    await handleRecord(record, context);
    return true;
  } catch (thrown) {
    const error = toPipelineError(thrown);
    try {
      return await settleFailure(record, error, deps);
    } catch (cause) {
      deps.logger?.error('a failed message could not be sent on: it comes back', { error: cause as Error });
      return false;
    }
  }
}

/** @returns true when the record is done with: it is among the dead letters */
async function settleFailure(record: SQSRecord, error: PipelineError, deps: RecordsDeps): Promise<boolean> {
  const verdict = decideRetry(error, Number(record.attributes.ApproximateReceiveCount));
  const reason = failureReasonOf(error);
  if (verdict.action === 'dead-letter') await sendToDeadLetters(record, reason, deps);
  else await hideFor(verdict.visibilitySeconds, record, deps);
  await deps.onFailure?.({ record, error, reason, action: verdict.action });
  return verdict.action === 'dead-letter';
}

async function sendToDeadLetters(record: SQSRecord, reason: FailureReason, deps: RecordsDeps): Promise<void> {
  await deps.sqs.send(
    new SendMessageCommand({
      QueueUrl: deadLetterQueueName(deps.queueUrl),
      MessageBody: record.body,
      MessageAttributes: makeDeadLetterAttributes(record, reason),
    }),
  );
}

async function hideFor(seconds: number, record: SQSRecord, deps: RecordsDeps): Promise<void> {
  await deps.sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: deps.queueUrl,
      ReceiptHandle: record.receiptHandle,
      VisibilityTimeout: seconds,
    }),
  );
}
