import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { textAttribute } from './send-all.ts';

/**
 * How often a message was tried. Its copies carry that on, in the attributes `breaks` and `waitingSince`. A dead letter has
 * neither, so that a redriven one begins anew.
 */
export interface RetryState {
  /** SQS's ApproximateReceiveCount of this copy, 1 for its first delivery. */
  receives: number;
  /** Attempts that counted and failed, before this one. */
  attempts: number;
  /** When the message was sent first. */
  waitingSince: Date;
  /** Whether this is a copy of a message that was tried. */
  isCopy: boolean;
}

export function readRetryState({
  attributes: { ApproximateReceiveCount, SentTimestamp },
  messageAttributes: { breaks, waitingSince },
}: Pick<SQSRecord, 'attributes' | 'messageAttributes'>): RetryState {
  const carried = Date.parse(waitingSince?.stringValue ?? '');
  // SQS gives every message a time; an event that somebody wrote by hand has perhaps none.
  const sent = Number(SentTimestamp ?? Date.now());
  return {
    receives: Number(ApproximateReceiveCount),
    attempts: Number(breaks?.stringValue ?? 0),
    waitingSince: new Date(Number.isNaN(carried) ? sent : carried),
    isCopy: waitingSince !== undefined,
  };
}

/** Whether an attempt at the message has failed before. */
export const wasTried = ({ receives, isCopy }: RetryState): boolean => receives > 1 || isCopy;

/** The attributes of a message's copy: its own, and how often it was tried. */
export function formatCopyAttributes(
  { messageAttributes }: Pick<SQSRecord, 'messageAttributes'>,
  { attempts, waitingSince }: Pick<RetryState, 'attempts' | 'waitingSince'>,
): Record<string, MessageAttributeValue> {
  const own = Object.entries(messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => {
    const value: MessageAttributeValue = { DataType: dataType };
    if (stringValue !== undefined) value.StringValue = stringValue;
    if (binaryValue !== undefined) value.BinaryValue = Buffer.from(binaryValue, 'base64');
    return [name, value];
  });
  return {
    ...Object.fromEntries(own),
    breaks: textAttribute(String(attempts)),
    waitingSince: textAttribute(waitingSince.toISOString()),
  };
}
