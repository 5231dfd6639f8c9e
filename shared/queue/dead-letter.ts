import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { PipelineError } from '../errors.ts';
import { attributeBytes, maxMessageBytes } from './message-size.ts';

/** The reason a message was dead-lettered, as its SQS message attributes carry it. */
export interface FailureReason {
  /** The class of the error. */
  error: string;
  /** At most 1,024 characters; never a row's values. */
  reason: string;
  table?: string;
  key?: string;
  /** ISO 8601. */
  failedAt: string;
}

const maxReasonCharacters = 1024;

export function failureReasonOf(error: PipelineError, now: Date = new Date()): FailureReason {
  return {
    error: error.name,
    reason: error.message.slice(0, maxReasonCharacters) || error.name,
    ...(error.table === undefined ? {} : { table: error.table }),
    ...(error.key === undefined ? {} : { key: error.key }),
    failedAt: now.toISOString(),
  };
}

/** A larger body is on a queue that allows 1 MiB. */
const messageLimits = [maxMessageBytes, 1024 * 1024];
const maxAttributes = 10;
const dataType = 'String';

/**
 * The attributes of a dead letter: why it failed, and those that the message had. The body is never touched. If it leaves
 * too little room, the reason is cut, and an attribute that does not fit at all is left out.
 *
 * @param made attempts that were made at it
 */
export function makeDeadLetterAttributes(
  { body, messageAttributes }: Pick<SQSRecord, 'body' | 'messageAttributes'>,
  { reason, ...rest }: FailureReason,
  made: number,
): Record<string, MessageAttributeValue> {
  // The last two count the attempts, and a redriven letter begins anew.
  const { replay, leastRevision, breaks, waitingSince, ...others } = Object.fromEntries(
    Object.entries(messageAttributes).map(([name, { stringValue }]) => [name, stringValue]),
  );
  const { failedAt, error, table, key } = rest;
  const attempts = String(made);
  // The most needed first: a replay depends on the first two, and failedAt shows a recovery.
  const wanted = { replay, leastRevision, failedAt, error, table, key, attempts, reason };
  const chosen = new Map<string, string>();
  let room = roomBeside(body);
  for (const [name, value] of [...Object.entries(wanted), ...Object.entries({ ...others, ...wanted })]) {
    if (value === undefined || chosen.has(name) || chosen.size === maxAttributes) continue;
    const text = cutToRoom(name, toValidText(value), room);
    if (text === '') continue;
    chosen.set(name, text);
    room -= sizeOf(name, text);
  }
  return Object.fromEntries(
    [...chosen].map(([name, StringValue]) => [name, { DataType: dataType, StringValue }]),
  );
}

function roomBeside(body: string): number {
  const bytes = Buffer.byteLength(body);
  return (messageLimits.find((limit) => bytes <= limit) ?? bytes) - bytes;
}

const sizeOf = (name: string, text: string): number =>
  attributeBytes(name, { DataType: dataType, StringValue: text });

/** Only a reason is still useful when it is cut. */
function cutToRoom(name: string, text: string, room: number): string {
  if (sizeOf(name, text) <= room) return text;
  return name === 'reason' ? cutToBytes(text, room - sizeOf(name, '')) : '';
}

function cutToBytes(text: string, bytes: number): string {
  let left = bytes;
  let end = 0;
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** SQS refuses a message that has a character outside XML 1.0. */
const toValidText = (text: string): string =>
  text.toWellFormed().replaceAll(/[^\t\n\r\u{20}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}');
