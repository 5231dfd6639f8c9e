import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { ReceivedMessage } from '../../../cli/embedded/cloud/fauxqs.ts';
import type { QueueSource } from '../../../cli/embedded/cloud/queue-store.ts';

/**
 * Opens a queue of any SQS, over HTTP. A receive that waits is broken off when its signal aborts, and a queue that does
 * not see that its reader has gone may yet hand it a message within that time: so `waitSeconds` should be short.
 */
export function openSqsQueue(sqs: SQSClient, queueUrl: string, waitSeconds: number): QueueSource {
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
