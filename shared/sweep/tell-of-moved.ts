import { DeleteMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Notify } from '../events.ts';
import type { FailureReason } from '../queue/message-error.ts';
import { type LyingLetter, makeMovedAttributes, reasonOfMoved, wasMoved } from '../queue/moved-letter.ts';
import type { QueueKind } from '../queue/queue-settings.ts';
import { giveBack, type ReceivedMessage, receiveAll, textAttributes } from '../queue/receive-all.ts';

export interface MovedLettersDeps {
  sqs: Pick<SQSClient, 'send'>;
  queue: QueueKind;
  deadLetterUrl: string;
  notify: Notify;
  now(): Date;
  /** How long a receive waits for a message, in seconds: 1, for then all of a queue's servers are asked. */
  receiveWaitSeconds?: number;
  /** Keeps what the dead letter would take along when it expires. */
  record?(body: string, reason: FailureReason): Promise<void>;
}

/** They are looked at while the first is still held. What is beyond them is told of by a later sweep. */
const maxMessages = 5000;

/**
 * Tells of the dead letters that SQS has moved by itself, and gives each the reason that its function could not give.
 *
 * Once each: the letter is replaced by one that carries its reason, as a function's own does, and such a letter was
 * told of. So it is the dead-letter queue itself that remembers. Told first, replaced then: a sweep that is broken
 * off between the two tells again, and leaves a letter twice rather than never.
 *
 * @returns how many there were
 * @throws what SQS, EventBridge or the record throws; the next sweep does the rest
 */
export async function tellOfMoved(deps: MovedLettersDeps): Promise<number> {
  const { sqs, deadLetterUrl, receiveWaitSeconds: waitSeconds = 1 } = deps;
  const held: ReceivedMessage[] = [];
  let told = 0;
  try {
    for await (const messages of receiveAll(sqs, deadLetterUrl, { waitSeconds })) {
      held.push(...messages);
      for (const message of messages) {
        const letter = {
          ...{ body: message.Body ?? '', attributes: textAttributes(message) },
          sourceArn: message.Attributes?.DeadLetterQueueSourceArn,
        };
        if (!wasMoved(deps.queue, letter)) continue;
        await replace(message, letter, deps);
        held.splice(held.indexOf(message), 1);
        told++;
      }
      if (held.length > maxMessages) break;
    }
  } finally {
    await giveBack(sqs, deadLetterUrl, held);
  }
  return told;
}

async function replace(
  { ReceiptHandle }: ReceivedMessage,
  letter: LyingLetter,
  { sqs, queue, deadLetterUrl, notify, now, record }: MovedLettersDeps,
): Promise<void> {
  const reason = reasonOfMoved(queue, letter.body, now());
  await record?.(letter.body, reason);
  const { failedAt, ...told } = reason;
  await notify({ type: 'Table Failed', detail: { queue, ...told } });
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: deadLetterUrl,
      MessageBody: letter.body,
      MessageAttributes: makeMovedAttributes(letter, reason),
    }),
  );
  await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLetterUrl, ReceiptHandle }));
}
