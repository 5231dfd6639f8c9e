import type { QueueKind } from '../../shared/queue/queue-settings.ts';

/** A message that waits in a dead-letter queue, with the reason that its handler gave. */
export interface DeadLetter {
  queue: QueueKind;
  messageId: string;
  body: string;
  /** Empty where the message was moved by the queue itself, its handler having died on every attempt. */
  error: string;
  reason: string;
  table?: string;
  /** The object's, or for the extract queue the key of its record of failure where it has one. */
  key?: string;
  /** ISO 8601. */
  failedAt: string;
  /** How often the message was received before it failed for good; undefined where nobody has counted. */
  attempts?: number;
}

/** A message as a queue shows it. */
export interface QueuedMessage {
  messageId: string;
  body: string;
  sentAt: Date;
  attribute(name: string): string | undefined;
}

/** Reads what the handler has left in the message's attributes. */
export function describeDeadLetter(queue: QueueKind, message: QueuedMessage): DeadLetter {
  const { messageId, body, sentAt, attribute } = message;
  const table = attribute('table') ?? (queue === 'extract' ? sliceOf(body)?.table : undefined);
  const key = attribute('key');
  const attempts = Number(attribute('attempts'));
  return {
    queue,
    messageId,
    body,
    error: attribute('error') ?? '',
    reason: attribute('reason') ?? 'its handler ended without an answer on every attempt',
    failedAt: attribute('failedAt') ?? sentAt.toISOString(),
    ...(table !== undefined && { table }),
    ...(key !== undefined && { key }),
    ...(attempts > 0 && { attempts }),
  };
}

export const byAge = (a: DeadLetter, b: DeadLetter): number => a.failedAt.localeCompare(b.failedAt);

export interface SliceReference {
  run: string;
  slice: string;
  table: string;
}

/** The slice that an extract message is about; undefined where the body is no such message. */
export function sliceOf(body: string): SliceReference | undefined {
  try {
    const { run, slice, table } = (JSON.parse(body) ?? {}) as Record<string, unknown>;
    if (typeof run !== 'string' || typeof slice !== 'string' || typeof table !== 'string') return undefined;
    return { run, slice, table };
  } catch {
    return undefined;
  }
}
