import { DeleteMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Notify } from '../events.ts';
import type { FailureReason } from '../queue/dead-letter.ts';
import {
  type DeadLetterWithoutReason,
  makeMovedAttributes,
  reasonOfMoved,
  wasMoved,
} from '../queue/moved-letter.ts';
import type { QueueKind } from '../queue/queue-settings.ts';
import { giveBack, type ReceivedMessage, receiveAll, textAttributes } from '../queue/receive-all.ts';

export interface MovedLettersDeps {
  sqs: Pick<SQSClient, 'send'>;
  queue: QueueKind;
  deadLetterUrl: string;
  notify: Notify;
  now(): Date;
  /** How long a receive waits for a message, in seconds: 1, because SQS then asks all of the queue's servers. */
  receiveWaitSeconds?: number;
  /** Keeps what would be lost with the dead letter when it expires. */
  record?(body: string, reason: FailureReason): Promise<void>;
}

/** All are received before the first becomes visible again. A later sweep reports those beyond this number. */
const maxMessages = 5000;

/**
 * Sends an event for each dead letter that SQS itself moved, and gives the letter the reason that its function could
 * not give.
 *
 * Each is reported once: the letter is replaced by one that carries its reason, as a function's own does. So the
 * dead-letter queue itself remembers. The event is sent before the letter is replaced: a sweep that breaks off between
 * the two sends the event again, and leaves a letter twice rather than never.
 *
 * @returns how many there were
 * @throws any error of SQS, EventBridge or the record; the next sweep does the rest
 */
export async function notifyMovedLetters(deps: MovedLettersDeps): Promise<number> {
  const { sqs, deadLetterUrl, receiveWaitSeconds: waitSeconds = 1 } = deps;
  const held: ReceivedMessage[] = [];
  let notified = 0;
  try {
    for await (const messages of receiveAll(sqs, deadLetterUrl, { waitSeconds })) {
      held.push(...messages);
      for (const message of messages) {
        const letter = {
          body: message.Body ?? '',
          attributes: textAttributes(message),
          sourceArn: message.Attributes?.DeadLetterQueueSourceArn,
        };
        if (!wasMoved(deps.queue, letter)) continue;
        await notifyAndReplace(message, letter, deps);
        held.splice(held.indexOf(message), 1);
        notified++;
      }
      if (held.length > maxMessages) break;
    }
  } finally {
    await giveBack(sqs, deadLetterUrl, held);
  }
  return notified;
}

async function notifyAndReplace(
  { ReceiptHandle }: ReceivedMessage,
  letter: DeadLetterWithoutReason,
  { sqs, queue, deadLetterUrl, notify, now, record }: MovedLettersDeps,
): Promise<void> {
  const reason = reasonOfMoved(queue, letter.body, now());
  await record?.(letter.body, reason);
  const { failedAt, ...failure } = reason;
  await notify({ type: 'Table Failed', detail: { queue, ...failure } });
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: deadLetterUrl,
      MessageBody: letter.body,
      MessageAttributes: makeMovedAttributes(letter, reason),
    }),
  );
  await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLetterUrl, ReceiptHandle }));
}
