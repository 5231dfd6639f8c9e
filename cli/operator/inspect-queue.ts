import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
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
  const { ready, delayed, inflight } = await getMessages(`${endpoint}/_fauxqs/queues/${name}`);
  return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(toQueuedMessage);
}

type InspectedMessages = Record<'ready' | 'delayed', InspectedMessage[]> & {
  inflight: { message: InspectedMessage }[];
};

/** Not by fetch, which takes longer to load than all else that a run does at its end. */
async function getMessages(url: string): Promise<InspectedMessages> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`${url} cannot be looked at: HTTP ${response.statusCode}`);
  return (JSON.parse(body) as { messages: InspectedMessages }).messages;
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
