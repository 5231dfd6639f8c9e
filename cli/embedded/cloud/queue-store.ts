import type { Socket } from 'node:net';
import { TerminalError } from '../../../shared/errors.ts';
import { mainRetentionSeconds } from '../../../shared/queue/queue-settings.ts';
import { isDiskFull } from '../machine/disk-full.ts';
import {
  accountId,
  type CloudServer,
  invalidBodyCharacter,
  type ReceivedMessage,
  receiveMessage,
  region,
  type SqsQueue,
  SqsStore,
  sqsQueueArn,
} from './fauxqs.ts';
import type { QueueDatabase } from './queue-database.ts';

/** A main queue. It gets a dead-letter queue named `<name>-dlq`. */
export interface QueueOptions {
  name: string;
  visibilitySeconds: number;
  maxReceiveCount: number;
  /** Default: 4 days. */
  retentionSeconds?: number;
}

/** What an event source mapping does to its queue. */
export interface QueueSource {
  /** Long-polls once: up to `max` messages (1 to 10), none when none came. Ends, or rejects, when the signal aborts. */
  receive(max: number, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** @throws naming the messages that were not deleted; they are delivered again */
  delete(messages: readonly ReceivedMessage[]): Promise<void>;
  /** Makes them visible to others at once. The receive stays counted. */
  giveBack(messages: readonly ReceivedMessage[]): Promise<void>;
}

/** What a queue of this process does beyond SQS. */
export interface QueueControl {
  /** Whether the message is not in flight any more, such as one that its function has replaced by a copy. */
  isGone(message: ReceivedMessage): boolean;
  /** Begins their visibility timeout anew. */
  renew(messages: readonly ReceivedMessage[]): void;
  /** Makes them visible at once, as if they had not been received. */
  giveBackUntried(messages: readonly ReceivedMessage[]): void;
  /** Makes messages that wait for their next attempt visible at once, but for those that the caller has. */
  wake(isMeant: (body: string) => boolean, receiptHandles: ReadonlySet<string>): void;
  /** Messages that a receive would give now. */
  countReady(): number;
}

/** What SQS takes at most. */
const longestDelayMs = 15 * 60_000;
const fourteenDays = 14 * 24 * 3600;

const counts = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

/** fauxqs' queues. Statements that a kill must not part are one transaction. */
export class QueueStore extends SqsStore {
  readonly #database: QueueDatabase;

  constructor(database: QueueDatabase) {
    super();
    this.#database = database;
    // Empty: a queue URL then names the host that the client called, not sqs.<region>.localhost.
    this.host = '';
    this.region = region;
  }

  override createQueue(...args: Parameters<SqsStore['createQueue']>): SqsQueue {
    return withAtomicSteps(super.createQueue(...args), this.#database);
  }

  /** Loads what the last process left. To be called once, before anything else. */
  load(
    database: QueueDatabase,
    snsStore: Parameters<QueueDatabase['loadSqsAndSns']>[1],
    endpoint: string,
  ): void {
    database.returnInFlight();
    database.capDelays(Date.now() + longestDelayMs);
    database.sql.prepare("update sqs_queues set url = ? || '/' || ? || '/' || name").run(endpoint, accountId);
    // Attached after the load: a queue that is created with persistence replaces its row, and the
    // foreign key then deletes its messages.
    database.loadSqsAndSns(this, snsStore);
    this.persistence = database;
    for (const queue of this.allQueues()) queue.persistence = database;
  }

  /** Makes the queue and its dead-letter queue, or gives the ones that are there these settings. */
  configure(options: QueueOptions, endpoint: string): void {
    const deadLetters = this.#ensure(`${options.name}-dlq`, endpoint, {
      MessageRetentionPeriod: String(fourteenDays),
    });
    this.#ensure(options.name, endpoint, {
      VisibilityTimeout: String(options.visibilitySeconds),
      MessageRetentionPeriod: String(options.retentionSeconds ?? mainRetentionSeconds),
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: deadLetters.arn,
        maxReceiveCount: options.maxReceiveCount,
      }),
    });
  }

  /** @throws {TerminalError} there is no such queue */
  countMessages(name: string): number {
    const queue = this.getQueueByName(name);
    if (queue === undefined) throw new TerminalError(`There is no queue ${name}`);
    return counts.reduce((sum, count) => sum + Number(queue.getAttribute(count)), 0);
  }

  #ensure(name: string, endpoint: string, attributes: Record<string, string>): SqsQueue {
    const existing = this.getQueueByName(name);
    if (existing === undefined) {
      return this.createQueue(name, formatQueueUrl(endpoint, name), sqsQueueArn(name, region), attributes);
    }
    existing.setAttributes(attributes);
    return existing;
  }
}

const waitSeconds = 20;
const everything = { MessageSystemAttributeNames: ['All' as const], MessageAttributeNames: ['All'] };

/**
 * Opens a queue to an event source mapping in this process, as Lambda does from inside of AWS: without an HTTP request
 * for each receive and delete (docs/adr/0015).
 *
 * @throws {TerminalError} there is no such queue
 */
export function openQueue(store: QueueStore, name: string): QueueSource & QueueControl {
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
      // This wakes all receivers of the queue. The others look at it once more and wait again.
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
    ...controlOf(queue),
  };
}

const controlOf = (queue: SqsQueue): QueueControl => ({
  isGone: ({ ReceiptHandle }) => !queue.inflightMessages.has(ReceiptHandle),
  renew: (messages) => {
    const seconds = Number(queue.attributes.VisibilityTimeout);
    for (const { ReceiptHandle } of messages) queue.changeVisibility(ReceiptHandle, seconds);
  },
  giveBackUntried: (messages) => {
    for (const { ReceiptHandle } of messages) giveBackUntried(queue, ReceiptHandle);
  },
  wake: (isMeant, receiptHandles) => {
    for (const [handle, { message }] of [...queue.inflightMessages]) {
      if (!receiptHandles.has(handle) && isMeant(message.body)) queue.changeVisibility(handle, 0);
    }
    for (const message of queue.delayedMessages.filter(({ body }) => isMeant(body))) {
      delete message.delayUntil;
      queue.persistence?.insertMessage(queue.name, message);
    }
    queue.processTimers();
  },
  countReady: () => {
    queue.processTimers();
    return queue.messages.length;
  },
});

function giveBackUntried(queue: SqsQueue, receiptHandle: string): void {
  const message = queue.inflightMessages.get(receiptHandle)?.message;
  if (message === undefined) return;
  message.approximateReceiveCount -= 1;
  queue.changeVisibility(receiptHandle, 0);
  queue.persistence?.insertMessage(queue.name, message);
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

export const formatQueueUrl = (endpoint: string, name: string): string => `${endpoint}/${accountId}/${name}`;

function withAtomicSteps(queue: SqsQueue, database: QueueDatabase): SqsQueue {
  const dequeue = queue.dequeue.bind(queue);
  const enqueue = queue.enqueue.bind(queue);
  const changeVisibility = queue.changeVisibility.bind(queue);
  const processTimers = queue.processTimers.bind(queue);
  // Moving a message to the dead-letter queue is a delete and an insert.
  queue.dequeue = (...args) => database.atomically(() => dequeue(...args));
  // fauxqs lets a receive time out in memory only. On disk it would look like one cut short by a kill,
  // and the next start would take its count back: a message that always times out would never end.
  const readClockStep = makeClockStep();
  const followClock = () => shiftDeadlines(queue, readClockStep());
  // Before a deadline by the new clock is among those by the old one, which alone are to be shifted.
  queue.enqueue = (message) => {
    followClock();
    enqueue(message);
  };
  queue.changeVisibility = (receiptHandle, timeoutSeconds) => {
    followClock();
    changeVisibility(receiptHandle, timeoutSeconds);
  };
  queue.processTimers = () => {
    followClock();
    const now = Date.now();
    try {
      for (const { message, visibilityDeadline } of queue.inflightMessages.values()) {
        if (visibilityDeadline <= now) queue.persistence?.updateMessageReady(message.messageId);
      }
    } catch (error) {
      // A timer calls this: an error would end the process with a stack trace. The database has reported it.
      if (isDiskFull(error)) return;
      throw error;
    }
    processTimers();
  };
  return queue;
}

/** Less is the clock's own drift, and moves no deadline by much. */
const leastStepMs = 1000;

/** Makes the function that says by how much the wall clock was set since its last call, in milliseconds. */
function makeClockStep(): () => number {
  const readOffset = () => Date.now() - performance.now();
  let known = readOffset();
  return () => {
    const offset = readOffset();
    if (Math.abs(offset - known) < leastStepMs) return 0;
    const step = offset - known;
    known = offset;
    return step;
  };
}

/** fauxqs has deadlines by the wall clock: set back by a day, it would keep messages invisible for a day. */
function shiftDeadlines(queue: SqsQueue, stepMs: number): void {
  if (stepMs === 0) return;
  for (const entry of queue.inflightMessages.values()) entry.visibilityDeadline += stepMs;
  for (const message of queue.delayedMessages) {
    if (message.delayUntil !== undefined) message.delayUntil += stepMs;
  }
}

/** Corrects answers of fauxqs' SQS that would mislead or delay its clients. */
export function addQueueRoutes(server: CloudServer, store: QueueStore): void {
  // fauxqs takes the two halves of a character above U+FFFF for invalid ones; SQS takes the character.
  const invalid = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
  invalidBodyCharacter.test = (body) => invalid.test(body);
  // fauxqs updates its timers on a receive only. Without this, a message whose visibility timeout is over would still count
  // as in flight.
  server.addHook('preHandler', async (request) => {
    if (request.headers['x-amz-target'] === 'AmazonSQS.GetQueueAttributes') store.processAllTimers();
  });
  server.addHook('onSend', async (request, _reply, payload) => {
    if (request.headers['x-amz-target'] !== 'AmazonSQS.ReceiveMessage' || !isGone(request.raw.socket))
      return payload;
    giveBack(store, request.body, payload);
    return payload;
  });
}

/** Whether the client of a long poll has died or given up. It closed its side; ours may still be open. */
const isGone = (socket: Socket): boolean => socket.destroyed || socket.readableEnded;

/** Without this the messages stay invisible for the queue's whole visibility timeout, although no consumer has them. */
function giveBack(store: QueueStore, request: unknown, payload: unknown): void {
  const { QueueUrl } = request as { QueueUrl: string };
  const { Messages = [] } = JSON.parse(String(payload)) as { Messages?: { ReceiptHandle: string }[] };
  const queue = store.getQueue(QueueUrl);
  if (queue === undefined) return;
  for (const { ReceiptHandle } of Messages) giveBackUntried(queue, ReceiptHandle);
}
