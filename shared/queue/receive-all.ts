import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** A message that was received, and is held until its visibility timeout is over. */
export type ReceivedMessage = Message & { MessageId: string; ReceiptHandle: string };

export interface ReceiveOptions {
  /** How long others do not see what was received, in seconds: 60. */
  visibilitySeconds?: number;
  /** How long a receive waits for a message, in seconds: 1, for then all of a queue's servers are asked. */
  waitSeconds?: number;
}

const batchMessages = 10;

/**
 * Receives each message of a queue once, until a receive brings nothing that is new. SQS shows a message only to who
 * receives it: every one is to be deleted or given back.
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
    // Seen before: its time is over, and so it may be for all that were received at its time.
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

/** Lets others see the messages at once. One whose time is over already has been given back by the queue. */
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
