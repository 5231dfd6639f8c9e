import { TerminalError } from '../../../shared/errors.ts';
import { receiveMessage } from './fauxqs.ts';
import type { QueueSource, ReceivedMessage } from './queue-source.ts';
import type { QueueStore } from './queue-store.ts';

const waitSeconds = 20;
const everything = { MessageSystemAttributeNames: ['All' as const], MessageAttributeNames: ['All'] };

/**
 * Opens a queue to an event source mapping in this process, as Lambda does from inside of AWS: without an HTTP request
 * for each receive and delete (docs/adr/0015).
 *
 * @throws {TerminalError} there is no such queue
 */
export function openQueue(store: QueueStore, name: string): QueueSource {
  const queue = store.getQueueByName(name);
  if (queue === undefined) throw new TerminalError(`There is no queue ${name}`);
  const take = async (max: number): Promise<ReceivedMessage[]> => {
    const request = { ...everything, QueueUrl: queue.url, MaxNumberOfMessages: max, WaitTimeSeconds: 0 };
    const { Messages = [] } = await receiveMessage(request, store);
    return Messages.map(withBytes);
  };
  return {
    receive: async (max, signal) => {
      const messages = await take(max);
      if (messages.length > 0 || signal.aborted) return messages;
      // Everybody who waits for this queue is woken, looks at it once more, and waits again.
      const wake = () => queue.cancelWaiters();
      signal.addEventListener('abort', wake);
      await queue.waitForMessages(waitSeconds);
      signal.removeEventListener('abort', wake);
      return signal.aborted ? [] : take(max);
    },
    delete: async (messages) => {
      for (const { ReceiptHandle } of messages) queue.deleteMessage(ReceiptHandle);
    },
    giveBack: async (messages) => {
      for (const { ReceiptHandle } of messages) queue.changeVisibility(ReceiptHandle, 0);
    },
  };
}

/** fauxqs holds bytes as JSON does, in base64; a client of its would have decoded them. */
function withBytes({ MessageAttributes, ...message }: ReceivedMessage): ReceivedMessage {
  if (MessageAttributes === undefined) return message;
  const attributes = Object.entries(MessageAttributes).map(([name, { BinaryValue, ...attribute }]) => [
    name,
    BinaryValue === undefined
      ? attribute
      : { ...attribute, BinaryValue: Buffer.from(String(BinaryValue), 'base64') },
  ]);
  return { ...message, MessageAttributes: Object.fromEntries(attributes) };
}
