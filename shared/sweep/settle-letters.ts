import { DeleteMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Notify } from '../events.ts';
import { subjectOfMessage } from '../queue/moved-letter.ts';
import type { QueueKind } from '../queue/queue-settings.ts';
import { giveBack, type ReceivedMessage, receiveAll, textAttributes } from '../queue/receive-all.ts';

/** A dead letter as a sweep judges it. */
export interface SweptLetter {
  body: string;
  attributes: Readonly<Record<string, string>>;
}

export interface SettleLettersDeps {
  sqs: Pick<SQSClient, 'send'>;
  deadLetterUrl: string;
  queue: QueueKind;
  /** Sends `Table Recovered` for each letter that can be read. */
  notify: Notify;
  /** How long a receive waits for a message, in seconds: 1, because SQS then asks all of the queue's servers. */
  receiveWaitSeconds?: number;
  /** Says of each letter whether the work that it stands for is done. */
  areSettled(letters: readonly SweptLetter[]): Promise<readonly boolean[]>;
}

/** All are received before the first becomes visible again. Those beyond this number are left to a later sweep. */
const maxMessages = 5000;

/**
 * Deletes the dead letters whose work is done: there is nothing left to mend, and an operator would look for it in vain.
 *
 * @returns how many there were
 * @throws any error of SQS, or of `areSettled`; the letters are given back
 */
export async function settleLetters(deps: SettleLettersDeps): Promise<number> {
  const { sqs, queue, notify, deadLetterUrl, receiveWaitSeconds: waitSeconds = 1, areSettled } = deps;
  const held: ReceivedMessage[] = [];
  const settled = new Set<ReceivedMessage>();
  try {
    for await (const messages of receiveAll(sqs, deadLetterUrl, { waitSeconds })) {
      held.push(...messages);
      if (held.length > maxMessages) break;
    }
    if (held.length === 0) return 0;
    const verdicts = await areSettled(
      held.map((message) => ({ body: message.Body ?? '', attributes: textAttributes(message) })),
    );
    for (const [index, message] of held.entries()) {
      if (verdicts[index] !== true) continue;
      const { table, key } = subjectOfMessage(queue, message.Body ?? '');
      // Before the letter is deleted: a sweep that breaks off in between sends the event again.
      if (table !== undefined && key !== undefined)
        await notify({ type: 'Table Recovered', detail: { queue, table, key } });
      await sqs.send(
        new DeleteMessageCommand({ QueueUrl: deadLetterUrl, ReceiptHandle: message.ReceiptHandle }),
      );
      settled.add(message);
    }
    return settled.size;
  } finally {
    await giveBack(
      sqs,
      deadLetterUrl,
      held.filter((message) => !settled.has(message)),
    );
  }
}
