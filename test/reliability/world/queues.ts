import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type { ReceivedMessage } from '../../../cli/embedded/cloud/fauxqs.ts';
import type { QueueSource } from '../../../cli/embedded/cloud/queue-store.ts';
import type { Cloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { queueNames } from '../../../cli/embedded/resources.ts';
import { makeSqsEvent, parseBatchResponse } from '../../../cli/embedded/workers/event-source-mapping.ts';
import { deadLetterQueueName, type QueueKind } from '../../../shared/queue/queue-settings.ts';
import { openSqsQueue } from '../../helpers/network/sqs-queue.ts';

/** The three queues as an event source mapping sees them, and their dead letters as an operator does. */
export class Queues {
  readonly #sqs: SQSClient;
  readonly #cloud: Cloud;
  /** What was received and neither given back nor deleted since: no look at the queue would find it. */
  readonly #inFlight: Record<QueueKind, Set<string>> = {
    extract: new Set(),
    transform: new Set(),
    load: new Set(),
  };
  readonly #done: Record<QueueKind, ReceivedMessage[]> = { extract: [], transform: [], load: [] };

  constructor(sqs: SQSClient, cloud: Cloud) {
    this.#sqs = sqs;
    this.#cloud = cloud;
  }

  /** All messages that are there now; they stay invisible to others for the queue's visibility timeout. */
  async receiveAll(kind: QueueKind): Promise<ReceivedMessage[]> {
    await this.delete(kind, this.#done[kind].splice(0));
    const name = queueNames[kind];
    if (this.count(name) <= this.#inFlight[kind].size) return [];
    const messages = await receiveAll(this.#source(name));
    for (const { MessageId } of messages) this.#inFlight[kind].add(MessageId);
    return messages;
  }

  async delete(kind: QueueKind, messages: readonly ReceivedMessage[]): Promise<void> {
    const source = this.#source(queueNames[kind]);
    for (let at = 0; at < messages.length; at += batch) await source.delete(messages.slice(at, at + batch));
    for (const { MessageId } of messages) this.#inFlight[kind].delete(MessageId);
  }

  /** Deletes it before anybody looks at the queue again: ten cost one call, and until then nobody can tell. */
  deleteLater(kind: QueueKind, message: ReceivedMessage): void {
    this.#done[kind].push(message);
  }

  /** Makes it visible at once, as if its time had passed. */
  async giveBack(kind: QueueKind, message: ReceivedMessage): Promise<void> {
    await this.#source(queueNames[kind]).giveBack([message]);
    this.#inFlight[kind].delete(message.MessageId);
  }

  /** Sends the dead letters back to where they came from, attributes and all. @returns their number */
  async redrive(kind: QueueKind): Promise<number> {
    const name = deadLetterQueueName(queueNames[kind]);
    if (this.count(name) === 0) return 0;
    const source = this.#source(name);
    const letters = await receiveAll(source);
    for (const letter of letters) {
      await this.#sqs.send(
        new SendMessageCommand({
          QueueUrl: this.#cloud.queueUrl(queueNames[kind]),
          MessageBody: letter.Body,
          MessageAttributes: letter.MessageAttributes,
        }),
      );
      await source.delete([letter]);
    }
    return letters.length;
  }

  /** How many messages a queue holds, in flight or not. */
  count(name: string): number {
    return this.#cloud.countMessages(name);
  }

  #source(name: string): QueueSource {
    return openSqsQueue(this.#sqs, this.#cloud.queueUrl(name), 0);
  }
}

const batch = 10;

async function receiveAll(source: QueueSource): Promise<ReceivedMessage[]> {
  const received: ReceivedMessage[] = [];
  const { signal } = new AbortController();
  for (;;) {
    const messages = await source.receive(batch, signal);
    received.push(...messages);
    if (messages.length < batch) return received;
  }
}

/** The event of one message. */
export const eventOf = (kind: QueueKind, message: ReceivedMessage): SQSEvent =>
  makeSqsEvent([message], `arn:aws:sqs:us-east-1:000000000000:${queueNames[kind]}`);

/** Whether the handler says that it is done with the message. */
export const isDoneWith = (response: unknown, { MessageId }: ReceivedMessage): boolean =>
  parseBatchResponse(response, new Set([MessageId])).size === 0;
