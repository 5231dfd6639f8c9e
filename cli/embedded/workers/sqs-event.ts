import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSMessageAttribute, SQSMessageAttributes, SQSRecord } from 'aws-lambda';
import type { ReceivedMessage } from '../cloud/queue-source.ts';

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
