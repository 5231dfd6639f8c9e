import type { SQSClient } from '@aws-sdk/client-sqs';
import { parseObjectCreated } from '../queue/object-created.ts';
import { giveBack, type ReceivedMessage, receiveAll } from '../queue/receive-all.ts';

/** With a second each in the worst case, they are read while the first is still held. */
const maxMessages = 5000;

/**
 * The keys of all objects that a dead-letter queue's messages name; the messages are given back.
 *
 * @returns undefined where there are too many to be read, so that nobody can say which objects are not among them
 */
export async function readDeadLetterKeys(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
): Promise<ReadonlySet<string> | undefined> {
  const held: ReceivedMessage[] = [];
  try {
    for await (const messages of receiveAll(sqs, queueUrl)) {
      held.push(...messages);
      if (held.length > maxMessages) return undefined;
    }
    return new Set(held.flatMap(keysOf));
  } finally {
    await giveBack(sqs, queueUrl, held);
  }
}

/** The attribute names the object that failed, the body all objects that are in the message with it. */
function keysOf({ Body = '', MessageAttributes = {} }: ReceivedMessage): string[] {
  const failed = MessageAttributes.key?.StringValue;
  return [...(failed === undefined ? [] : [failed]), ...keysInBody(Body)];
}

function keysInBody(body: string): string[] {
  try {
    return parseObjectCreated(body).map(({ key }) => key);
  } catch {
    // A body that nobody can read is why it is here.
    return [];
  }
}
