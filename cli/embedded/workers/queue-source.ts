import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { ReceivedMessage } from './sqs-event.ts';

/** What an event source mapping does to its queue. */
export interface QueueSource {
  /** Long-polls once: up to `max` messages (1 to 10), none when none came. Rejects when the signal aborts. */
  receive(max: number, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** @throws naming the messages that were not deleted; they come again */
  delete(messages: readonly ReceivedMessage[]): Promise<void>;
  /** Makes them visible to others at once. The receive stays counted. */
  giveBack(messages: readonly ReceivedMessage[]): Promise<void>;
}

export function openQueue(sqs: SQSClient, queueUrl: string, waitSeconds: number): QueueSource {
  return {
    receive: async (max, abortSignal) => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: max,
          WaitTimeSeconds: waitSeconds,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
        { abortSignal },
      );
      return Messages.filter(isReceived);
    },
    delete: async (messages) => {
      if (messages.length === 0) return;
      const { Failed = [] } = await sqs.send(
        new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: entriesOf(messages) }),
      );
      if (Failed.length > 0)
        throw new Error(`${queueUrl}: ${Failed.length} done messages are not deleted: ${Failed[0]?.Message}`);
    },
    giveBack: async (messages) => {
      if (messages.length === 0) return;
      const Entries = entriesOf(messages).map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
    },
  };
}

// Within a batch request the ids are ours to choose, and of fewer characters than a message id may have.
function entriesOf(messages: readonly ReceivedMessage[]): { Id: string; ReceiptHandle: string }[] {
  return messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
}

function isReceived(message: Message): message is ReceivedMessage {
  return message.MessageId !== undefined && message.ReceiptHandle !== undefined;
}
