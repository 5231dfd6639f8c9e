import { queueKinds } from '../../shared/queue/queue-settings.ts';
import {
  giveBack,
  type ReceivedMessage,
  receiveAll,
  textAttributes,
} from '../../shared/queue/receive-all.ts';
import { byAge, type DeadLetter, describeDeadLetter, type QueuedMessage } from './dead-letter.ts';
import type { OperatorTarget } from './target.ts';

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

const toQueuedMessage = (message: ReceivedMessage): QueuedMessage => ({
  messageId: message.MessageId,
  body: message.Body ?? '',
  sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)),
  attributes: textAttributes(message),
  sourceArn: message.Attributes?.DeadLetterQueueSourceArn,
});
