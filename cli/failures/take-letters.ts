import { DeleteMessageCommand, type Message } from '@aws-sdk/client-sqs';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import { giveBack, type ReceivedMessage, receiveAll } from '../../shared/queue/receive-all.ts';
import type { Site } from '../site/site.ts';

/**
 * Takes dead letters off their queue; all others that are received on the way are given back.
 *
 * @param wanted the ids of the letters
 * @param beforeDelete called for each, such as to send it on: a letter that it fails for stays
 * @returns the ids of the letters that were deleted; another reader may have received the rest
 * @throws what SQS or `beforeDelete` throws
 */
export async function takeLetters(
  { sqs, deadLetterUrl, receiveWaitSeconds }: Pick<Site, 'sqs' | 'deadLetterUrl' | 'receiveWaitSeconds'>,
  queue: QueueKind,
  wanted: ReadonlySet<string>,
  beforeDelete: (letter: Message) => Promise<void> = async () => {},
): Promise<Set<string>> {
  const taken = new Set<string>();
  if (wanted.size === 0) return taken;
  const held: ReceivedMessage[] = [];
  const from = deadLetterUrl(queue);
  try {
    for await (const messages of receiveAll(sqs, from, { waitSeconds: receiveWaitSeconds })) {
      for (const message of messages) {
        if (!wanted.has(message.MessageId)) {
          held.push(message);
          continue;
        }
        await beforeDelete(message);
        await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: message.ReceiptHandle }));
        taken.add(message.MessageId);
      }
      if (taken.size === wanted.size) break;
    }
  } finally {
    await giveBack(sqs, from, held);
  }
  return taken;
}
