import type { Message } from '@aws-sdk/client-sqs';

/** A message as ReceiveMessage gives it, with what every received message has. */
export type ReceivedMessage = Message & { MessageId: string; ReceiptHandle: string };

/** What an event source mapping does to its queue. */
export interface QueueSource {
  /** Long-polls once: up to `max` messages (1 to 10), none when none came. Ends, or rejects, when the signal aborts. */
  receive(max: number, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** @throws naming the messages that were not deleted; they are delivered again */
  delete(messages: readonly ReceivedMessage[]): Promise<void>;
  /** Makes them visible to others at once. The receive stays counted. */
  giveBack(messages: readonly ReceivedMessage[]): Promise<void>;
}
