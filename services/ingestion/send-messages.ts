import type { SQSClient } from '@aws-sdk/client-sqs';
import { type ExtractMessage, formatExtractMessage } from '../../shared/queue/extract-message.ts';
import { sendAll } from '../../shared/queue/send-all.ts';

/**
 * Makes the function that puts messages on the extract queue.
 *
 * @returns a function that throws a TransientError when SQS did not take all of them
 */
export const makeSend =
  (sqs: Pick<SQSClient, 'send'>, queueUrl: string) =>
  (messages: readonly ExtractMessage[]): Promise<void> =>
    sendAll(
      sqs,
      queueUrl,
      messages.map((message) => ({ body: formatExtractMessage(message) })),
    );
