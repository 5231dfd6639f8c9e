import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { TransientError } from '../../shared/errors.ts';
import { type ExtractMessage, formatExtractMessage } from '../../shared/queue/extract-message.ts';

/** SQS takes so many messages at a time; ours are far from its limit of bytes (a list of xids is at most 20 kB). */
const batchMessages = 10;
const concurrentBatches = 8;

/**
 * Makes the function that puts messages on the extract queue.
 *
 * @returns a function that throws a TransientError when SQS did not take all of them
 */
export function makeSend(sqs: Pick<SQSClient, 'send'>, queueUrl: string) {
  return async (messages: readonly ExtractMessage[]): Promise<void> => {
    const batches = Array.from({ length: Math.ceil(messages.length / batchMessages) }, (_, index) =>
      messages.slice(index * batchMessages, (index + 1) * batchMessages),
    );
    for (let start = 0; start < batches.length; start += concurrentBatches) {
      const group = batches.slice(start, start + concurrentBatches);
      await Promise.all(group.map((batch) => sendBatch(sqs, queueUrl, batch)));
    }
  };
}

async function sendBatch(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  messages: readonly ExtractMessage[],
): Promise<void> {
  const entries = messages.map((message, index) => ({
    Id: String(index),
    MessageBody: formatExtractMessage(message),
  }));
  const { Failed = [] } = await sqs.send(
    new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }),
  );
  const [first] = Failed;
  if (first !== undefined) {
    throw new TransientError(
      `SQS did not take ${Failed.length} of ${messages.length} extract messages: ${first.Message ?? first.Code}`,
    );
  }
}
