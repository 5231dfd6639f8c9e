import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { formatFailedKey, parseObjectKey } from '../object-store/object-key.ts';
import { parseExtractMessage } from '../records/plan/extract-message.ts';
import { type FailureReason, makeDeadLetterAttributes } from './dead-letter.ts';
import { parseObjectCreated } from './object-created.ts';
import { maxReceiveCount, type QueueKind } from './queue-settings.ts';

/** A dead letter that may be without the reason that its function gives. */
export interface DeadLetterWithoutReason {
  body: string;
  attributes: Readonly<Record<string, string>>;
  /** The queue that SQS moved the message from; undefined for a message that a function sent. */
  sourceArn: string | undefined;
}

/**
 * Whether SQS itself moved the letter, because its function died or ran out of time at every receive. No event was sent
 * for such a letter, and the attributes that it has say how it failed an earlier time.
 */
export function wasMoved(queue: QueueKind, letter: DeadLetterWithoutReason): boolean {
  if (letter.sourceArn !== undefined) return true;
  // Not every service that stands in for SQS names the queue. A function adds its reason, unless the body leaves no room.
  if (letter.attributes.error !== undefined) return false;
  return makeMovedAttributes(letter, reasonOfMoved(queue, letter.body, new Date(0))).error !== undefined;
}

/** Why SQS moved a letter, and what the letter was about as far as its body says. */
export const reasonOfMoved = (queue: QueueKind, body: string, failedAt: Date): FailureReason => ({
  error: 'FunctionDied',
  reason: `its function died, or ran out of time, at every one of ${maxReceiveCount} receives`,
  ...subjectOfMessage(queue, body),
  failedAt: failedAt.toISOString(),
});

/** The attributes that its function would have given to the letter. */
export function makeMovedAttributes(
  { body, attributes }: Pick<DeadLetterWithoutReason, 'body' | 'attributes'>,
  reason: FailureReason,
): Record<string, MessageAttributeValue> {
  const entries = Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue }]);
  const messageAttributes = Object.fromEntries(entries) as SQSRecord['messageAttributes'];
  return makeDeadLetterAttributes({ body, messageAttributes }, reason, maxReceiveCount);
}

/** What a message is about, as far as its body says. */
export function subjectOfMessage(queue: QueueKind, body: string): Pick<FailureReason, 'table' | 'key'> {
  try {
    if (queue === 'extract') {
      const { run, slice, table } = parseExtractMessage(body);
      return { table, key: formatFailedKey(run, slice) };
    }
    const [first] = parseObjectCreated(body);
    return first === undefined ? {} : { table: parseObjectKey(first.key).table, key: first.key };
  } catch {
    // A body that cannot be parsed names no table and no key.
    return {};
  }
}
