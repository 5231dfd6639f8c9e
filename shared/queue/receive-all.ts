import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** A message that was received, and is held until its visibility timeout is over. */
export type ReceivedMessage = Message & { MessageId: string; ReceiptHandle: string };

export interface ReceiveOptions {
  /** How long received messages stay invisible to others, in seconds: 60. */
  visibilitySeconds?: number;
  /** How long a receive waits for a message, in seconds: 1, because SQS then asks all of the queue's servers. */
  waitSeconds?: number;
}

const batchMessages = 10;

/**
 * Receives each message of a queue once, until a receive brings nothing new. SQS shows a message only to its receiver, so
 * callers must delete every message or give it back.
 */
export async function* receiveAll(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  { visibilitySeconds = 60, waitSeconds = 1 }: ReceiveOptions = {},
): AsyncGenerator<ReceivedMessage[]> {
  const seen = new Set<string>();
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: batchMessages,
        VisibilityTimeout: visibilitySeconds,
        WaitTimeSeconds: waitSeconds,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    const received = Messages.filter(isWhole);
    const fresh = received.filter(({ MessageId }) => !seen.has(MessageId));
    // A message that was seen before has become visible again, and so may all that were received with it.
    await giveBack(
      sqs,
      queueUrl,
      received.filter((message) => !fresh.includes(message)),
    );
    if (fresh.length === 0) return;
    for (const { MessageId } of fresh) seen.add(MessageId);
    yield fresh;
  }
}

/** Makes the messages visible at once. The queue itself gave back those whose visibility timeout is over. */
export async function giveBack(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  for (let start = 0; start < messages.length; start += batchMessages) {
    const Entries = messages
      .slice(start, start + batchMessages)
      .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}

/** The values of a message's attributes, by name. */
export const textAttributes = ({
  MessageAttributes = {},
}: {
  MessageAttributes?: Record<string, { StringValue?: string | undefined }> | undefined;
}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(MessageAttributes).flatMap(([name, { StringValue }]) =>
      StringValue === undefined ? [] : [[name, StringValue]],
    ),
  );

const isWhole = (message: Message): message is ReceivedMessage =>
  message.MessageId !== undefined && message.ReceiptHandle !== undefined;
