import type { SQSClient } from '@aws-sdk/client-sqs';
import { sendAll } from '../../shared/queue/send-all.ts';
import { type ExtractMessage, formatExtractMessage } from '../../shared/records/extract-message.ts';

/**
 * Makes the function that puts messages on the extract queue.
 *
 * @throws {TransientError} of the function: SQS did not accept all of them
 */
export const makeSend =
  (sqs: Pick<SQSClient, 'send'>, queueUrl: string) =>
  (messages: readonly ExtractMessage[]): Promise<void> =>
    sendAll(
      sqs,
      queueUrl,
      messages.map((message) => ({ body: formatExtractMessage(message) })),
    );
