import { ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { deadLetterQueueName } from '../../../shared/queue/queue-settings.ts';

/** A message of the load queue at its last allowed delivery. */
export const recordOf = (body: string, attributes: Record<string, string> = {}) =>
  ({
    messageId: `message-${body.length}`,
    receiptHandle: 'none',
    body,
    attributes: { ApproximateReceiveCount: '5' },
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
    ),
  }) as unknown as SQSRecord;

/** The dead letters of a queue, with their attributes as plain texts. */
export async function deadLettersOf(sqs: SQSClient, queueUrl: string) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: deadLetterQueueName(queueUrl),
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      VisibilityTimeout: 30,
    }),
  );
  return Messages.map(({ Body, MessageAttributes }) => ({
    body: Body,
    attributes: Object.fromEntries(
      Object.entries(MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]),
    ),
  }));
}
