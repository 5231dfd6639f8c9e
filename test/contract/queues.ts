import {
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { Service } from './service.ts';

export const queueArn = ({ region, accountId }: Service, name: string): string =>
  `arn:aws:sqs:${region}:${accountId}:${name}`;

/** Makes a queue that the other services may send to. @returns its URL */
export async function makeQueue(
  service: Service,
  name: string,
  attributes: Record<string, string> = {},
): Promise<string> {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: ['s3.amazonaws.com', 'events.amazonaws.com', 'sns.amazonaws.com'] },
    Action: 'sqs:SendMessage',
    Resource: queueArn(service, name),
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const { QueueUrl } = await service.clients.sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { Policy, ...attributes } }),
  );
  if (QueueUrl === undefined) throw new Error(`the queue ${name} has no URL`);
  return QueueUrl;
}

/** Makes a queue and its dead-letter queue `<name>-dlq`. */
export async function makeQueueWithDeadLetters(
  service: Service,
  name: string,
  maxReceiveCount: number,
  attributes: Record<string, string> = {},
): Promise<{ queueUrl: string; deadLetterUrl: string }> {
  const deadLetterUrl = await makeQueue(service, `${name}-dlq`);
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: queueArn(service, `${name}-dlq`),
    maxReceiveCount,
  });
  return { queueUrl: await makeQueue(service, name, { RedrivePolicy, ...attributes }), deadLetterUrl };
}

export async function send(
  { clients }: Service,
  QueueUrl: string,
  MessageBody: string,
  attributes: Record<string, string> = {},
): Promise<string> {
  const MessageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
  );
  const { MessageId } = await clients.sqs.send(
    new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }),
  );
  return MessageId ?? '';
}

/** One look, without waiting unless told to. */
export async function receive(
  { clients }: Service,
  QueueUrl: string,
  input: { VisibilityTimeout?: number; WaitTimeSeconds?: number } = {},
): Promise<Message[]> {
  const { Messages = [] } = await clients.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      ...input,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}

/**
 * Takes that many messages off the queue, and looks once more for one too many.
 *
 * @throws {Error} fewer came within the seconds
 */
export async function take(
  service: Service,
  queueUrl: string,
  count: number,
  seconds = 20,
): Promise<Message[]> {
  const deadline = Date.now() + seconds * 1000;
  const taken: Message[] = [];
  while (taken.length < count) {
    if (Date.now() > deadline)
      throw new Error(`${taken.length} of ${count} messages came to ${queueUrl} within ${seconds} s`);
    taken.push(...(await takeOnce(service, queueUrl, 1)));
  }
  return [...taken, ...(await takeOnce(service, queueUrl, 0))];
}

async function takeOnce(service: Service, QueueUrl: string, WaitTimeSeconds: number): Promise<Message[]> {
  const messages = await receive(service, QueueUrl, { WaitTimeSeconds });
  for (const { ReceiptHandle } of messages)
    await service.clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return messages;
}
