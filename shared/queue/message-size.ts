import type { MessageAttributeValue } from '@aws-sdk/client-sqs';

/**
 * The most that every queue of SQS accepts in one message or one batch: 256 KiB. Some queues allow 1 MiB (from August 2025).
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 */
export const maxMessageBytes = 256 * 1024;

/** A message as SQS counts it: its body, and the name, type and value of each attribute. */
export const messageBytes = (
  body: string,
  attributes: Readonly<Record<string, MessageAttributeValue>> = {},
): number =>
  Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + attributeBytes(name, value),
    Buffer.byteLength(body),
  );

export const attributeBytes = (
  name: string,
  { DataType = '', StringValue = '' }: MessageAttributeValue,
): number => Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue);
