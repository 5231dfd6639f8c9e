import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { queueNames } from '../../../cli/embedded/resources.ts';
import { parseBatchResponse } from '../../../cli/embedded/workers/batch-response.ts';
import { openQueue, type QueueSource } from '../../../cli/embedded/workers/queue-source.ts';
import { makeSqsEvent, type ReceivedMessage } from '../../../cli/embedded/workers/sqs-event.ts';
import { deadLetterQueueName, type QueueKind } from '../../../shared/queue/queue-settings.ts';

/** The three queues as an event source mapping sees them, and their dead letters as an operator does. */
export class Queues {
  readonly #sqs: SQSClient;
  readonly #urlOf: (name: string) => string;

  constructor(sqs: SQSClient, urlOf: (name: string) => string) {
    this.#sqs = sqs;
    this.#urlOf = urlOf;
  }

  /** All messages that are there now; they stay invisible to others for the queue's visibility timeout. */
  async receiveAll(kind: QueueKind): Promise<ReceivedMessage[]> {
    return receiveAll(this.#source(queueNames[kind]));
  }

  async delete(kind: QueueKind, messages: readonly ReceivedMessage[]): Promise<void> {
    const source = this.#source(queueNames[kind]);
    for (let at = 0; at < messages.length; at += batch) await source.delete(messages.slice(at, at + batch));
  }

  /** Makes it visible at once, as if its time had passed. */
  async giveBack(kind: QueueKind, message: ReceivedMessage): Promise<void> {
    await this.#source(queueNames[kind]).giveBack([message]);
  }

  /** Sends the dead letters back to where they came from, attributes and all. @returns their number */
  async redrive(kind: QueueKind): Promise<number> {
    const source = this.#source(deadLetterQueueName(queueNames[kind]));
    const letters = await receiveAll(source);
    for (const letter of letters) {
      await this.#sqs.send(
        new SendMessageCommand({
          QueueUrl: this.#urlOf(queueNames[kind]),
          MessageBody: letter.Body,
          MessageAttributes: letter.MessageAttributes,
        }),
      );
      await source.delete([letter]);
    }
    return letters.length;
  }

  /** How many messages a queue holds, in flight or not. */
  async count(name: string): Promise<number> {
    const { Attributes = {} } = await this.#sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#urlOf(name), AttributeNames: ['All'] }),
    );
    const { ApproximateNumberOfMessages: ready, ApproximateNumberOfMessagesNotVisible: inFlight } =
      Attributes;
    return Number(ready) + Number(inFlight);
  }

  #source(name: string): QueueSource {
    return openQueue(this.#sqs, this.#urlOf(name), 0);
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
