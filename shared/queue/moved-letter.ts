import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { formatFailedKey, parseObjectKey } from '../object-store/object-key.ts';
import { parseExtractMessage } from '../records/extract-message.ts';
import { makeDeadLetterAttributes } from './dead-letter-attributes.ts';
import type { FailureReason } from './message-error.ts';
import { parseObjectCreated } from './object-created.ts';
import { maxReceiveCount, type QueueKind } from './queue-settings.ts';

/** A dead letter as it lies in its queue. */
export interface LyingLetter {
  body: string;
  attributes: Readonly<Record<string, string>>;
  /** SQS names the queue that it moved a message from; it does not where a message was sent. */
  sourceArn: string | undefined;
}

/**
 * Whether SQS has moved the letter by itself, its function having died or run out of time at every receive. Then
 * nobody was told, and what attributes it has say how it failed an earlier time.
 */
export function wasMoved(queue: QueueKind, letter: LyingLetter): boolean {
  if (letter.sourceArn !== undefined) return true;
  // A service that names no queue: a function gives its reason along, unless the body leaves no room for one.
  if (letter.attributes.error !== undefined) return false;
  return makeMovedAttributes(letter, reasonOfMoved(queue, letter.body, new Date(0))).error !== undefined;
}

/** Why a letter that SQS has moved is there, and what it was about as far as its body tells. */
export const reasonOfMoved = (queue: QueueKind, body: string, failedAt: Date): FailureReason => ({
  error: 'FunctionDied',
  reason: `its function died, or ran out of time, at every one of ${maxReceiveCount} receives`,
  ...subjectOf(queue, body),
  failedAt: failedAt.toISOString(),
});

/** The attributes that its function would have given to it. */
export function makeMovedAttributes(
  { body, attributes }: Pick<LyingLetter, 'body' | 'attributes'>,
  reason: FailureReason,
): Record<string, MessageAttributeValue> {
  const receives = { ApproximateReceiveCount: String(maxReceiveCount) } as SQSRecord['attributes'];
  const entries = Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue }]);
  const messageAttributes = Object.fromEntries(entries) as SQSRecord['messageAttributes'];
  return makeDeadLetterAttributes({ body, messageAttributes, attributes: receives }, reason);
}

function subjectOf(queue: QueueKind, body: string): Pick<FailureReason, 'table' | 'key'> {
  try {
    if (queue === 'extract') {
      const { run, slice, table } = parseExtractMessage(body);
      return { table, key: formatFailedKey(run, slice) };
    }
    const [first] = parseObjectCreated(body);
    return first === undefined ? {} : { table: parseObjectKey(first.key).table, key: first.key };
  } catch {
    // What nobody can read is about nothing that has a name.
    return {};
  }
}
