import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { deadLetterQueueName, type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import { textAttributes } from '../../../shared/queue/receive-all.ts';
import type { Cloud } from '../../embedded/cloud/start-cloud.ts';
import { queueNames } from '../../embedded/resources.ts';
import { compareByAge, type DeadLetter, describeDeadLetter, type QueuedMessage } from '../dead-letter.ts';

/** All dead letters of the embedded queues, oldest first, those in flight included; none is received. */
export async function inspectDeadLetters(
  endpoint: string,
  deadLetterUrl: (kind: QueueKind) => string,
): Promise<DeadLetter[]> {
  const lists = await Promise.all(
    queueKinds.map(async (queue) =>
      (await inspectQueue(endpoint, deadLetterUrl(queue))).map((message) =>
        describeDeadLetter(queue, message),
      ),
    ),
  );
  return lists.flat().sort(compareByAge);
}

/**
 * Looks at a queue's messages without receiving them, those in flight included.
 *
 * @param endpoint the embedded cloud's; the inspection is fauxqs' own, AWS has none
 */
export async function inspectQueue(endpoint: string, queueUrl: string): Promise<QueuedMessage[]> {
  const name = new URL(queueUrl).pathname.split('/').at(-1) ?? '';
  const { ready, delayed, inflight } = await getMessages(`${endpoint}/_fauxqs/queues/${name}`);
  return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(toQueuedMessage);
}

type InspectedMessages = Record<'ready' | 'delayed', InspectedMessage[]> & {
  inflight: { message: InspectedMessage }[];
};

interface InspectedMessage {
  messageId: string;
  body: string;
  /** Unix time in milliseconds. */
  sentTimestamp: number;
  messageAttributes: Record<string, { StringValue?: string }>;
}

/** Not by fetch, which takes longer to load than all else that a run does at its end. */
async function getMessages(url: string): Promise<InspectedMessages> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`${url} cannot be looked at: HTTP ${response.statusCode}`);
  return (JSON.parse(body) as { messages: InspectedMessages }).messages;
}

const toQueuedMessage = (message: InspectedMessage): QueuedMessage => ({
  messageId: message.messageId,
  body: message.body,
  sentAt: new Date(message.sentTimestamp),
  attributes: textAttributes({ MessageAttributes: message.messageAttributes }),
  // The embedded queues do not say it.
  sourceArn: undefined,
});

/** The same where only the embedded stack's endpoint is at hand. */
export const listDeadLetters = (endpoint: string): Promise<DeadLetter[]> =>
  inspectDeadLetters(endpoint, (kind) => `${endpoint}/000000000000/${deadLetterQueue(kind)}`);

/** Without asking for them one by one. */
export const hasDeadLetters = (cloud: Pick<Cloud, 'countMessages'>): boolean =>
  queueKinds.some((kind) => cloud.countMessages(deadLetterQueue(kind)) > 0);

const deadLetterQueue = (kind: QueueKind): string => deadLetterQueueName(queueNames[kind]);

/**
 * Says whether no work is left in the three queues.
 *
 * A message is deleted only when what it leads to is on another queue, and the embedded queues count exactly. So one look at
 * all of them at the same instant proves it. One after the other would not do: a load sends what an older model has made
 * back to the transform.
 *
 * @param kinds all of them, or the first ones
 */
export const isDrained = (
  cloud: Pick<Cloud, 'countMessages'>,
  kinds: readonly QueueKind[] = queueKinds,
): boolean => kinds.every((kind) => cloud.countMessages(queueNames[kind]) === 0);

/** The messages of all three queues, those included that are in flight or wait to be retried. */
export const countMessages = (cloud: Pick<Cloud, 'countMessages'>): number =>
  queueKinds.reduce((sum, kind) => sum + cloud.countMessages(queueNames[kind]), 0);
