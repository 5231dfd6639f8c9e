import type { Logger } from '@aws-lambda-powertools/logger';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { toPipelineError } from '../classify-error.ts';
import { type PipelineError, RefusedError, TerminalError } from '../errors.ts';
import { type FailureReason, failureReasonOf, makeDeadLetterAttributes } from '../queue/dead-letter.ts';
import { copyingReceive, deadLetterQueueName, maxAttempts } from '../queue/queue-settings.ts';
import { formatCopyAttributes, type RetryState, readRetryState } from '../queue/retry-state.ts';

export interface RecordsDeps {
  sqs: Pick<SQSClient, 'send'>;
  queueUrl: string;
  /** The longest wait between two attempts; 300 s, the design's, where it is left out. */
  longestWaitSeconds?: number | undefined;
  /** Called for every record that was handled. */
  onHandled?: (record: SQSRecord) => void | Promise<void>;
  /** Called for every failed record. It reports the failure to the operator. */
  onFailure?: (failure: RecordFailure) => void | Promise<void>;
  /** Logs what goes wrong after a failure. SQS delivers such a record again when its visibility timeout ends. */
  logger?: Pick<Logger, 'error'>;
  now?: () => Date;
}

export interface RecordFailure {
  record: SQSRecord;
  error: PipelineError;
  reason: FailureReason;
  verdict: Verdict;
}

export type Verdict =
  | { action: 'dead-letter' }
  | {
      /** `retry`: the attempt counts. `wait`: it was refused, and does not. */
      action: 'retry' | 'wait';
      /** Attempts that have counted, this one included. */
      attempts: number;
      delaySeconds: number;
      /** Whether a copy replaces the message, or SQS delivers it again. */
      isCopied: boolean;
      /** When the message was sent first. */
      waitingSince: Date;
    };

export type RecordHandler<C> = (record: SQSRecord, context: C) => Promise<void>;

/**
 * Makes a handler of SQS batches from a handler of one record that knows nothing of batches.
 *
 * A bad record does not affect its neighbours: it goes to the dead-letter queue with its reason, or back to its
 * queue for later, and the rest of the batch goes on. After a database or a service has refused, the rest goes back untried.
 *
 * @example
 * export const handler = middy(handleRecords(async (record, context) => load(record.body, context.deps), deps));
 */
export function handleRecords<C>(handleRecord: RecordHandler<C>, deps: RecordsDeps) {
  return async (event: SQSEvent, context: C): Promise<SQSBatchResponse> => {
    const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
    let refusal: RefusedError | undefined;
    for (const record of event.Records) {
      const error = refusal ?? (await attempt(record, context, handleRecord));
      const isSettled =
        error === undefined ? await afterSuccess(record, deps) : await settle(record, error, deps);
      if (!isSettled) batchItemFailures.push({ itemIdentifier: record.messageId });
      if (error instanceof RefusedError && error.by !== 'lock') refusal = error;
    }
    return { batchItemFailures };
  };
}

async function attempt<C>(
  record: SQSRecord,
  context: C,
  handleRecord: RecordHandler<C>,
): Promise<PipelineError | undefined> {
  try {
    await handleRecord(record, context);
    return undefined;
  } catch (thrown) {
    return toPipelineError(thrown);
  }
}

/** The record has been handled, whatever becomes of the report. */
async function afterSuccess(record: SQSRecord, { onHandled, logger }: RecordsDeps): Promise<true> {
  try {
    await onHandled?.(record);
  } catch (cause) {
    logger?.error('a message was handled, and that could not be noted', { error: cause as Error });
  }
  return true;
}

/** @returns whether the record leaves the queue: it is a dead letter, or a copy has replaced it */
async function settle(record: SQSRecord, error: PipelineError, deps: RecordsDeps): Promise<boolean> {
  const { now = () => new Date(), longestWaitSeconds = 300 } = deps;
  const verdict = decideRetry(error, readRetryState(record), now(), longestWaitSeconds);
  const reason = failureReasonOf(error, now());
  try {
    await carryOut(verdict, record, reason, deps);
    await deps.onFailure?.({ record, error, reason, verdict });
  } catch (cause) {
    deps.logger?.error('a failed message could not be sent on: it is delivered again', {
      error: cause as Error,
    });
    return false;
  }
  return verdict.action === 'dead-letter' || verdict.isCopied;
}

const firstDelaySeconds = 2;
/**
 * The four delays add up to more than the five minutes between two plans. By then a source that has become another
 * server is planned anew, and a slice that was planned on the old server is superseded rather than dead-lettered.
 */
const delayFactor = 5;
/** A refused message waits for this part of the time that it has waited so far. */
const waitShare = 1 / 8;

/**
 * Decides what becomes of a message whose record handler failed.
 *
 * - A refusal is not the message's fault. SQS delivers the message again until its last receive that is safe; there a copy
 *   replaces it, whose receives begin anew. Not earlier: a function that dies between sending the copy and deleting the
 *   message leaves both, and copies of copies would multiply.
 * - Another failure counts, because the message itself may be its cause, even of a connection that broke. The count has to
 *   travel with the message, and attributes cannot be changed, so a copy replaces it at once.
 * - The last attempt dead-letters here rather than in SQS, so that the reason goes along.
 */
export function decideRetry(
  error: PipelineError,
  { receives, attempts: before, waitingSince }: Omit<RetryState, 'isCopy'>,
  now: Date,
  longestWaitSeconds: number,
): Verdict {
  if (error instanceof RefusedError) {
    const waitedSeconds = (now.getTime() - waitingSince.getTime()) / 1000;
    const delaySeconds = clamp(Math.round(waitedSeconds * waitShare), firstDelaySeconds, longestWaitSeconds);
    return {
      action: 'wait',
      attempts: before,
      delaySeconds,
      isCopied: receives >= copyingReceive,
      waitingSince,
    };
  }
  const attempts = before + 1;
  if (error instanceof TerminalError || attempts >= maxAttempts) return { action: 'dead-letter' };
  const delaySeconds = Math.min(firstDelaySeconds * delayFactor ** before, longestWaitSeconds);
  return { action: 'retry', attempts, delaySeconds, isCopied: true, waitingSince };
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

async function carryOut(
  verdict: Verdict,
  record: SQSRecord,
  reason: FailureReason,
  { sqs, queueUrl }: RecordsDeps,
): Promise<void> {
  const { body, receiptHandle } = record;
  if (verdict.action === 'dead-letter') {
    const MessageAttributes = makeDeadLetterAttributes(record, reason, readRetryState(record).attempts + 1);
    const QueueUrl = deadLetterQueueName(queueUrl);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, MessageAttributes }));
    return;
  }
  const { delaySeconds } = verdict;
  if (!verdict.isCopied) {
    await sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: delaySeconds,
      }),
    );
    return;
  }
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: body,
      MessageAttributes: formatCopyAttributes(record, verdict),
      DelaySeconds: delaySeconds,
    }),
  );
  // Directly after it, and not when the batch ends: what dies in between leaves both.
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle }));
}
