import { queueKinds } from '../../shared/queue/queue-settings.ts';
import { textAttributes } from '../../shared/queue/receive-all.ts';
import { byAge, type DeadLetter, describeDeadLetter, type QueuedMessage } from './dead-letter.ts';
import type { OperatorTarget } from './target.ts';

interface InspectedMessage {
  messageId: string;
  body: string;
  /** Unix time in milliseconds. */
  sentTimestamp: number;
  messageAttributes: Record<string, { StringValue?: string }>;
}

/**
 * Looks at a queue's messages without receiving them, those in flight included.
 *
 * @param endpoint the embedded cloud's; the inspection is fauxqs' own, AWS has none
 */
export async function inspectQueue(endpoint: string, queueUrl: string): Promise<QueuedMessage[]> {
  const name = new URL(queueUrl).pathname.split('/').at(-1) ?? '';
  const response = await fetch(`${endpoint}/_fauxqs/queues/${name}`);
  if (!response.ok) throw new Error(`the queue ${name} cannot be looked at: HTTP ${response.status}`);
  const { messages } = (await response.json()) as {
    messages: Record<'ready' | 'delayed', InspectedMessage[]> & { inflight: { message: InspectedMessage }[] };
  };
  const { ready, delayed, inflight } = messages;
  return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(toQueuedMessage);
}

/** All dead letters of the embedded queues, oldest first, those in flight included. */
export async function inspectDeadLetters(
  endpoint: string,
  deadLetterUrl: OperatorTarget['deadLetterUrl'],
): Promise<DeadLetter[]> {
  const lists = await Promise.all(
    queueKinds.map(async (queue) =>
      (await inspectQueue(endpoint, deadLetterUrl(queue))).map((message) =>
        describeDeadLetter(queue, message),
      ),
    ),
  );
  return lists.flat().sort(byAge);
}

const toQueuedMessage = (message: InspectedMessage): QueuedMessage => ({
  messageId: message.messageId,
  body: message.body,
  sentAt: new Date(message.sentTimestamp),
  attributes: textAttributes({ MessageAttributes: message.messageAttributes }),
  // The embedded queues do not say it.
  sourceArn: undefined,
});
