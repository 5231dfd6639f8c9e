import type { Logger } from '@aws-lambda-powertools/logger';
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { toPipelineError } from '../classify-error.ts';
import { type PipelineError, TerminalError } from '../errors.ts';
import { type FailureReason, failureReasonOf, makeDeadLetterAttributes } from '../queue/dead-letter.ts';
import { deadLetterQueueName, maxReceiveCount } from '../queue/queue-settings.ts';

export interface RecordsDeps {
  sqs: Pick<SQSClient, 'send'>;
  queueUrl: string;
  /** Called for every failed record. It reports the failure to the operator. */
  onFailure?: (failure: RecordFailure) => void | Promise<void>;
  /** Logs what goes wrong after a failure. SQS delivers such a record again when its visibility timeout ends. */
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
 * A bad record does not affect its neighbours: it goes to the dead-letter queue with its reason, or back to its
 * queue for later, and the rest of the batch goes on.
 *
 * @example
 * export const handler = middy(handleRecords(async (record, context) => load(record.body, context.deps), deps));
 */
export function handleRecords<C>(handleRecord: RecordHandler<C>, deps: RecordsDeps) {
  return async (event: SQSEvent, context: C): Promise<SQSBatchResponse> => {
    const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
    for (const record of event.Records) {
      if (!(await isSettled(record, context, handleRecord, deps))) {
        batchItemFailures.push({ itemIdentifier: record.messageId });
      }
    }
    return { batchItemFailures };
  };
}

/** @returns whether the record leaves the queue: it was handled, or it is among the dead letters */
async function isSettled<C>(
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

/** @returns true when the record is among the dead letters */
async function settleFailure(record: SQSRecord, error: PipelineError, deps: RecordsDeps): Promise<boolean> {
  const verdict = decideRetry(error, Number(record.attributes.ApproximateReceiveCount));
  const reason = failureReasonOf(error);
  if (verdict.action === 'dead-letter') await sendToDeadLetters(record, reason, deps);
  else await hideFor(verdict.visibilitySeconds, record, deps);
  await deps.onFailure?.({ record, error, reason, action: verdict.action });
  return verdict.action === 'dead-letter';
}

type Verdict = { action: 'dead-letter' } | { action: 'retry'; visibilitySeconds: number };

const firstDelaySeconds = 2;
/**
 * The four delays add up to more than the five minutes between two plans. By then a source that has become another
 * server is planned anew, and a slice that was planned on the old server is superseded rather than dead-lettered.
 */
const delayFactor = 5;
const longestDelaySeconds = 300;

/**
 * Decides what becomes of a message whose record handler failed.
 *
 * The last allowed receive dead-letters here rather than in SQS, so that the reason goes along.
 *
 * @param receiveCount SQS's ApproximateReceiveCount, 1 for the first delivery
 */
export function decideRetry(error: PipelineError, receiveCount: number): Verdict {
  if (error instanceof TerminalError || receiveCount >= maxReceiveCount) return { action: 'dead-letter' };
  const visibilitySeconds = Math.min(
    firstDelaySeconds * delayFactor ** (receiveCount - 1),
    longestDelaySeconds,
  );
  return { action: 'retry', visibilitySeconds };
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
