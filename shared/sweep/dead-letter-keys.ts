import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { parseObjectCreated } from '../queue/object-created.ts';

const batchMessages = 10;
const heldSeconds = 60;
/** With a second each in the worst case, they are read while the first is still held. */
const maxMessages = 5000;

/**
 * The keys of all objects that a dead-letter queue's messages name. SQS shows a message only to who receives it: each
 * is received and given back at once.
 *
 * @returns undefined where there are too many to be read, so that nobody can say which objects are not among them
 */
export async function readDeadLetterKeys(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
): Promise<ReadonlySet<string> | undefined> {
  const seen = new Map<string, Message>();
  try {
    for (;;) {
      const messages = await receive(sqs, queueUrl);
      const known = seen.size;
      for (const message of messages) seen.set(message.MessageId ?? '', message);
      if (seen.size === known) return new Set([...seen.values()].flatMap(keysOf));
      if (seen.size > maxMessages) return undefined;
    }
  } finally {
    await giveBack(sqs, queueUrl, [...seen.values()]);
  }
}

async function receive(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: batchMessages,
      VisibilityTimeout: heldSeconds,
      // A queue is spread over servers, and only a receive that waits asks all of them.
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['key'],
    }),
  );
  return Messages;
}

/** The attribute names the object that failed, the body all objects that are in the message with it. */
function keysOf({ Body = '', MessageAttributes = {} }: Message): string[] {
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

async function giveBack(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  messages: readonly Message[],
): Promise<void> {
  for (let start = 0; start < messages.length; start += batchMessages) {
    const Entries = messages
      .slice(start, start + batchMessages)
      .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}
