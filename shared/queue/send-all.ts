import { type MessageAttributeValue, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { TransientError } from '../errors.ts';
import { mapInGroups } from '../in-groups.ts';
import { maxMessageBytes, messageBytes } from './message-size.ts';

export interface OutgoingMessage {
  body: string;
  attributes?: Record<string, MessageAttributeValue>;
}

const batchMessages = 10;
const concurrentBatches = 8;

export const textAttribute = (value: string): MessageAttributeValue => ({
  DataType: 'String',
  StringValue: value,
});

/**
 * Puts messages on a queue, in batches of as many as SQS takes at a time: ten, and 256 KiB.
 *
 * @throws {TransientError} the queue did not take all of them; what it took stays sent
 */
export async function sendAll(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  await mapInGroups(cutBatches(messages), concurrentBatches, (batch) => sendBatch(sqs, queueUrl, batch));
}

/** A message that is too large on its own goes alone: SQS reports what is wrong with it, and no other fails with it. */
function cutBatches(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = messageBytes(message.body, message.attributes);
    const last = batches.at(-1);
    if (last === undefined || last.length === batchMessages || bytes + size > maxMessageBytes) {
      batches.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return batches;
}

async function sendBatch(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  const entries = messages.map(({ body, attributes }, index) => ({
    Id: String(index),
    MessageBody: body,
    ...(attributes !== undefined && { MessageAttributes: attributes }),
  }));
  const { Failed = [] } = await sqs.send(
    new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }),
  );
  const [first] = Failed;
  if (first === undefined) return;
  throw new TransientError(
    `SQS did not take ${Failed.length} of ${messages.length} messages: ${first.Message ?? first.Code}`,
  );
}
