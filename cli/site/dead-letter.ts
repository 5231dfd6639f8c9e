import { makeMovedAttributes, reasonOfMoved, wasMoved } from '../../shared/queue/moved-letter.ts';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';

/** A message in a dead-letter queue, with the reason that its handler gave. */
export interface DeadLetter {
  queue: QueueKind;
  messageId: string;
  body: string;
  /** SQS moved it by itself, because its function died at every receive; no sweep has reported it yet. */
  isMoved: boolean;
  /** Empty where the body left no room for it. */
  error: string;
  reason: string;
  table?: string;
  /** The object's, or for the extract queue the key of its record of failure where it has one. */
  key?: string;
  /** ISO 8601. */
  failedAt: string;
  /** How often the message was received before it failed for good; undefined where that was not counted. */
  attempts?: number;
}

/** A message as a queue shows it. */
export interface QueuedMessage {
  messageId: string;
  body: string;
  sentAt: Date;
  attributes: Readonly<Record<string, string>>;
  /** The queue that SQS moved it from. */
  sourceArn: string | undefined;
}

/** Reads what the handler has left in the message's attributes, or what is known of a letter that SQS has moved. */
export function describeDeadLetter(queue: QueueKind, message: QueuedMessage): DeadLetter {
  const { messageId, body, sentAt, attributes, sourceArn } = message;
  const letter = { body, attributes, sourceArn };
  const isMoved = wasMoved(queue, letter);
  const known = isMoved ? makeMovedAttributes(letter, reasonOfMoved(queue, body, sentAt)) : {};
  const attribute = (name: string) => known[name]?.StringValue ?? attributes[name];
  const table = attribute('table') ?? (queue === 'extract' ? sliceOf(body)?.table : undefined);
  const key = attribute('key');
  const attempts = Number(attribute('attempts'));
  return {
    queue,
    messageId,
    body,
    isMoved,
    error: attribute('error') ?? '',
    reason:
      attribute('reason') ??
      'the message body left no room for the reason: see the Table Failed event or the log',
    failedAt: attribute('failedAt') ?? sentAt.toISOString(),
    ...(table !== undefined && { table }),
    ...(key !== undefined && { key }),
    ...(attempts > 0 && { attempts }),
  };
}

export const compareByAge = (a: DeadLetter, b: DeadLetter): number => a.failedAt.localeCompare(b.failedAt);

export interface SliceReference {
  run: string;
  slice: string;
  table: string;
  /** It is a census. */
  census?: true;
}

/** The slice that an extract message is about; undefined if the body is not such a message. */
export function sliceOf(body: string): SliceReference | undefined {
  try {
    const { run, slice, table, census } = (JSON.parse(body) ?? {}) as Record<string, unknown>;
    if (typeof run !== 'string' || typeof slice !== 'string' || typeof table !== 'string') return undefined;
    return { run, slice, table, ...(census !== undefined && { census: true as const }) };
  } catch {
    return undefined;
  }
}
