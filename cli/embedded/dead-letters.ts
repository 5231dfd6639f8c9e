import { deadLetterQueueName, type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { queueNames } from './resources.ts';

/** A message that waits in a dead-letter queue, with the reason that its handler gave. */
export interface DeadLetter {
  queue: QueueKind;
  messageId: string;
  body: string;
  /** Empty where the message was moved by the queue itself, its handler having died on every attempt. */
  error: string;
  reason: string;
  table?: string;
  key?: string;
  /** ISO 8601. */
  failedAt: string;
}

interface InspectedMessage {
  messageId: string;
  body: string;
  sentTimestamp: number;
  messageAttributes: Record<string, { StringValue?: string }>;
}

/**
 * Looks at the dead letters without receiving them.
 *
 * @param endpoint the embedded cloud's; its queue inspection is fauxqs' own, AWS has none
 */
export async function listDeadLetters(endpoint: string): Promise<DeadLetter[]> {
  const lists = await Promise.all(
    queueKinds.map(async (queue) => {
      const response = await fetch(`${endpoint}/_fauxqs/queues/${deadLetterQueueName(queueNames[queue])}`);
      const { messages } = (await response.json()) as { messages: Record<string, unknown[]> };
      const inFlight = (messages.inflight ?? []) as { message: InspectedMessage }[];
      const waiting = [...(messages.ready ?? []), ...(messages.delayed ?? [])] as InspectedMessage[];
      return [...waiting, ...inFlight.map(({ message }) => message)].map((message) =>
        describe(queue, message),
      );
    }),
  );
  return lists.flat().sort((a, b) => a.failedAt.localeCompare(b.failedAt));
}

function describe(
  queue: QueueKind,
  { messageId, body, sentTimestamp, messageAttributes }: InspectedMessage,
): DeadLetter {
  const attribute = (name: string) => messageAttributes[name]?.StringValue;
  const table = attribute('table') ?? tableOfExtract(queue, body);
  const key = attribute('key');
  return {
    queue,
    messageId,
    body,
    error: attribute('error') ?? '',
    reason: attribute('reason') ?? 'its handler ended without an answer on every attempt',
    failedAt: attribute('failedAt') ?? new Date(sentTimestamp).toISOString(),
    ...(table === undefined ? {} : { table }),
    ...(key === undefined ? {} : { key }),
  };
}

function tableOfExtract(queue: QueueKind, body: string): string | undefined {
  if (queue !== 'extract') return undefined;
  try {
    const { table } = JSON.parse(body) as { table?: unknown };
    return typeof table === 'string' ? table : undefined;
  } catch {
    return undefined;
  }
}
