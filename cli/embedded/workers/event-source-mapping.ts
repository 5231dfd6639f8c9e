import { setTimeout as delay } from 'node:timers/promises';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSMessageAttribute, SQSMessageAttributes, SQSRecord } from 'aws-lambda';
import type { ReceivedMessage } from '../cloud/fauxqs.ts';
import type { QueueSource } from '../cloud/queue-store.ts';
import { HeldUpGroups, type HoldUpOptions } from './held-up.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface EventSourceMapping {
  /**
   * Stops receiving, waits for the work in flight, and gives back what is not done by then.
   *
   * @param graceMs how long to wait; 5,000 when not given
   */
  stop(graceMs?: number): Promise<void>;
  /** How many invocations are running or waiting for a worker, deletes included. */
  inFlight(): number;
  /** How many messages are done: neither sent back nor replaced by a copy. */
  done(): number;
  /** Whether messages are left, and all of them wait: for their next attempt, or behind one that is held up. */
  isHeldUp(): boolean;
  /** Makes messages that wait for their next attempt visible at once. */
  wake(): void;
}

export interface EventSourceMappingOptions {
  queue: QueueSource;
  queueArn: string;
  functionName: string;
  /** Messages per invocation, 1 to 10: more would need Lambda's batching window, which delays. */
  batchSize: number;
  maximumConcurrency: number;
  pool: Pick<WorkerPool, 'invoke'>;
  /** Hears of each failed request, invocation and response. */
  onError?: (error: unknown) => void;
  /**
   * Whether the messages of an invocation that failed as a whole, its worker having died, come back at once. On AWS
   * they come after the visibility timeout, half an hour here, and somebody watches this queue. false when not given.
   */
  returnsFailed?: boolean;
  /** Keeps messages that wait for the same thing from taking the places of others; they are not told apart when not given. */
  holdUp?: HoldUpOptions;
}

const firstRetryMs = 50;
const lastRetryMs = 5000;

/**
 * Brings a queue's messages to a function as Lambda's event source mapping does, with
 * ReportBatchItemFailures: successes are deleted, failures come back after their visibility timeout.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const { batchSize, maximumConcurrency } = options;
  if (!(batchSize >= 1 && batchSize <= 10)) throw new RangeError(`batchSize ${batchSize} is not in 1 to 10`);
  if (!(maximumConcurrency >= 1)) throw new RangeError(`maximumConcurrency ${maximumConcurrency} is below 1`);
  const mapping = new Mapping(options);
  mapping.start();
  return mapping;
}

/** Where an invocation runs. */
interface Place {
  group: string | undefined;
  /** false for an attempt of a group that is held up. */
  isPlaced: boolean;
}

class Mapping implements EventSourceMapping {
  readonly #options: EventSourceMappingOptions;
  readonly #running = new Map<Promise<void>, readonly ReceivedMessage[]>();
  readonly #heldUp: HeldUpGroups | undefined;
  /** Were held up, and may run as soon as there is room. */
  #released: (readonly ReceivedMessage[])[] = [];
  /** Those that take a place, which attempts of held-up groups do not. */
  #placed = 0;
  #done = 0;
  readonly #stopping = new AbortController();
  /** Ends the wait for room, of which there is one at a time. */
  #hasRoomNow = (): void => {};
  #polling: Promise<void> = Promise.resolve();
  #over = false;

  constructor(options: EventSourceMappingOptions) {
    this.#options = options;
    const { holdUp } = options;
    this.#heldUp =
      holdUp &&
      new HeldUpGroups(holdUp, (messages, group) => this.#begin(messages, { group, isPlaced: false }));
  }

  start(): void {
    this.#polling = this.#poll();
  }

  inFlight(): number {
    return this.#running.size;
  }

  done(): number {
    return this.#done;
  }

  isHeldUp(): boolean {
    const { holdUp } = this.#options;
    return this.#placed === 0 && this.#released.length === 0 && holdUp?.queue.countReady() === 0;
  }

  wake(): void {
    this.#release(this.#heldUp?.releaseAll(this.#handles()) ?? []);
  }

  async stop(graceMs = 5000): Promise<void> {
    this.#stopping.abort();
    this.#hasRoomNow();
    const graceOver = new AbortController();
    const grace = delay(graceMs, undefined, { signal: graceOver.signal }).catch(() => {});
    await this.#polling;
    this.#heldUp?.stop();
    for (const messages of this.#released.splice(0)) this.#options.holdUp?.queue.giveBackUntried(messages);
    await Promise.race([Promise.all(this.#running.keys()), grace]);
    graceOver.abort();
    this.#over = true;
    for (const messages of this.#running.values()) await this.#report(this.#options.queue.giveBack(messages));
  }

  async #poll(): Promise<void> {
    let retryMs = firstRetryMs;
    while (await this.#hasRoom()) {
      try {
        const messages = await this.#options.queue.receive(this.#options.batchSize, this.#stopping.signal);
        retryMs = firstRetryMs;
        if (messages.length === 0) continue;
        if (this.#stopping.signal.aborted) await this.#report(this.#options.queue.giveBack(messages));
        else this.#take(messages);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#options.onError?.(error);
        await delay(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
        retryMs = Math.min(retryMs * 2, lastRetryMs);
      }
    }
  }

  /** @returns true when one more invocation may start, false when none will any more */
  async #hasRoom(): Promise<boolean> {
    while (this.#placed >= this.#options.maximumConcurrency && !this.#stopping.signal.aborted)
      await new Promise<void>((resolve) => {
        this.#hasRoomNow = resolve;
      });
    return !this.#stopping.signal.aborted;
  }

  #take(messages: readonly ReceivedMessage[]): void {
    const group = this.#heldUp?.groupOf(messages);
    if (group !== undefined && this.#heldUp?.parks(messages, group)) return;
    this.#begin(messages, { group, isPlaced: true });
  }

  #begin(messages: readonly ReceivedMessage[], place: Place): void {
    if (place.isPlaced) this.#placed += 1;
    const work: Promise<void> = this.#report(this.#process(messages, place.group)).finally(() => {
      this.#running.delete(work);
      if (place.isPlaced) this.#placed -= 1;
      else if (place.group !== undefined) this.#heldUp?.endAttempt(place.group);
      this.#release([]);
      this.#hasRoomNow();
    });
    this.#running.set(work, messages);
  }

  /** Runs what was held up, as far as there is room. */
  #release(batches: readonly (readonly ReceivedMessage[])[]): void {
    this.#released.push(...batches);
    while (this.#placed < this.#options.maximumConcurrency && !this.#stopping.signal.aborted) {
      const messages = this.#released.shift();
      if (messages === undefined) return;
      this.#take(messages);
    }
  }

  async #process(messages: readonly ReceivedMessage[], group: string | undefined): Promise<void> {
    const { pool, functionName, queueArn, holdUp } = this.#options;
    const hold = () => {
      if (group !== undefined && !this.#over) this.#heldUp?.hold(group);
    };
    const response = await this.#orGiveBack(
      messages,
      pool.invoke(functionName, makeSqsEvent(messages, queueArn)),
      hold,
    );
    const failed = parseBatchResponse(response, new Set(messages.map(({ MessageId }) => MessageId)));
    // Given back meanwhile, they are another receiver's.
    if (this.#over) return;
    const succeeded = messages.filter(({ MessageId }) => !failed.has(MessageId));
    const replaced = succeeded.filter((message) => holdUp?.queue.isGone(message) === true);
    await this.#options.queue.delete(succeeded);
    this.#done += succeeded.length - replaced.length;
    if (failed.size + replaced.length > 0) hold();
    else if (group !== undefined) this.#release(this.#heldUp?.release(group, this.#handles(messages)) ?? []);
  }

  /** Receipt handles of what is being processed, but for these. */
  #handles(done: readonly ReceivedMessage[] = []): ReadonlySet<string> {
    const handles = new Set(
      [...this.#running.values(), ...this.#released].flat().map(({ ReceiptHandle }) => ReceiptHandle),
    );
    for (const { ReceiptHandle } of done) handles.delete(ReceiptHandle);
    return handles;
  }

  async #orGiveBack(
    messages: readonly ReceivedMessage[],
    invocation: Promise<unknown>,
    hold: () => void,
  ): Promise<unknown> {
    try {
      return await invocation;
    } catch (error) {
      hold();
      if (this.#options.returnsFailed === true && !this.#over) await this.#options.queue.giveBack(messages);
      throw error;
    }
  }

  async #report(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!this.#over) this.#options.onError?.(error);
    });
  }
}

/**
 * Reads a function's partial batch response, `{ batchItemFailures: [{ itemIdentifier }] }`.
 *
 * Nothing, an empty object, and an empty or null list mean that all went well.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 *
 * @param messageIds of the batch
 * @returns the ids of those that failed
 * @throws when it is anything else, names no message, or one outside the batch: the whole batch failed
 */
export function parseBatchResponse(response: unknown, messageIds: ReadonlySet<string>): Set<string> {
  if (response === undefined || response === null) return new Set();
  const failures = isRecord(response) ? (response.batchItemFailures ?? []) : undefined;
  if (!Array.isArray(failures)) throw new Error(`the response is not a batch response: ${excerpt(response)}`);
  return new Set(failures.map((failure) => parseItem(failure, messageIds)));
}

function parseItem(failure: unknown, messageIds: ReadonlySet<string>): string {
  const id = isRecord(failure) ? failure.itemIdentifier : undefined;
  if (typeof id !== 'string' || !messageIds.has(id))
    throw new Error(`the response names a message that is not of its batch: ${excerpt(failure)}`);
  return id;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function excerpt(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 200);
}

/**
 * Makes the event that Lambda makes of received messages.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export function makeSqsEvent(messages: readonly ReceivedMessage[], queueArn: string): SQSEvent {
  return { Records: messages.map((message) => makeRecord(message, queueArn)) };
}

function makeRecord(message: ReceivedMessage, queueArn: string): SQSRecord {
  const { MessageId, ReceiptHandle, Body, Attributes, MessageAttributes, MD5OfBody } = message;
  const md5OfAttributes = message.MD5OfMessageAttributes;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body ?? '',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '',
      ...Attributes,
    },
    messageAttributes: makeAttributes(MessageAttributes ?? {}),
    md5OfBody: MD5OfBody ?? '',
    ...(md5OfAttributes === undefined ? {} : { md5OfMessageAttributes: md5OfAttributes }),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(':')[3] ?? '',
  };
}

function makeAttributes(attributes: Record<string, MessageAttributeValue>): SQSMessageAttributes {
  const entries = Object.entries(attributes).map(([name, { StringValue, BinaryValue, DataType }]) => {
    const attribute: SQSMessageAttribute = {
      stringListValues: [],
      binaryListValues: [],
      dataType: DataType ?? 'String',
    };
    if (StringValue !== undefined) attribute.stringValue = StringValue;
    if (BinaryValue !== undefined) attribute.binaryValue = Buffer.from(BinaryValue).toString('base64');
    return [name, attribute];
  });
  return Object.fromEntries(entries);
}
