import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
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
  const receiveFrom = async (queue: QueueKind) => {
    const held: ReceivedMessage[] = [];
    try {
      const options = { waitSeconds: receiveWaitSeconds };
      for await (const messages of receiveAll(sqs, deadLetterUrl(queue), options)) held.push(...messages);
    } finally {
      await giveBack(sqs, deadLetterUrl(queue), held);
    }
    return held.map((message) => describeDeadLetter(queue, toQueuedMessage(message)));
  };
  // All at once: each waits a second to be sure that nothing is left in its queue.
  return (await Promise.all(queueKinds.map(receiveFrom))).flat().sort(byAge);
}

const toQueuedMessage = (message: ReceivedMessage): QueuedMessage => ({
  messageId: message.MessageId,
  body: message.Body ?? '',
  sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)),
  attributes: textAttributes(message),
  sourceArn: message.Attributes?.DeadLetterQueueSourceArn,
});
