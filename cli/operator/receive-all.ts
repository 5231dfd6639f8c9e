import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import { byAge, type DeadLetter, describeDeadLetter, type QueuedMessage } from './dead-letter.ts';
import type { OperatorTarget } from './target.ts';

/** A message that was received, and is held until its visibility timeout is over. */
export type ReceivedMessage = Message & { MessageId: string; ReceiptHandle: string };

export interface ReceiveOptions {
  /** How long others do not see what was received, in seconds: 60. */
  visibilitySeconds?: number;
  /** How long a receive waits for a message, in seconds: 1, for then all of a queue's servers are asked. */
  waitSeconds?: number;
}

/**
 * Receives each message of a queue once, until a receive brings nothing that is new. Every one is to be deleted or
 * given back.
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
        MaxNumberOfMessages: 10,
        VisibilityTimeout: visibilitySeconds,
        WaitTimeSeconds: waitSeconds,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
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
  for (let start = 0; start < messages.length; start += 10) {
    const entries = messages.slice(start, start + 10).map(({ ReceiptHandle }, index) => ({
      ...{ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 },
    }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
  }
}

/**
 * All dead letters of a deployed stage, oldest first. SQS shows a message only to who receives it, so each is
 * received for a short time and given back.
 */
export async function receiveDeadLetters({
  sqs,
  deadLetterUrl,
  receiveWaitSeconds,
}: Pick<OperatorTarget, 'sqs' | 'deadLetterUrl' | 'receiveWaitSeconds'>): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (const queue of queueKinds) {
    const held: ReceivedMessage[] = [];
    try {
      for await (const messages of receiveAll(sqs, deadLetterUrl(queue), {
        waitSeconds: receiveWaitSeconds,
      })) {
        held.push(...messages);
        letters.push(...messages.map((message) => describeDeadLetter(queue, toQueuedMessage(message))));
      }
    } finally {
      await giveBack(sqs, deadLetterUrl(queue), held);
    }
  }
  return letters.sort(byAge);
}

export const toQueuedMessage = (message: ReceivedMessage): QueuedMessage => ({
  messageId: message.MessageId,
  body: message.Body ?? '',
  sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)),
  attribute: (name) => message.MessageAttributes?.[name]?.StringValue,
});

const isWhole = (message: Message): message is ReceivedMessage =>
  message.MessageId !== undefined && message.ReceiptHandle !== undefined;
