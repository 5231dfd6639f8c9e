import type { SQSClient } from '@aws-sdk/client-sqs';
import { formatObjectCreated } from '../queue/object-created.ts';
import { sendAll } from '../queue/send-all.ts';

/**
 * Puts the event of each object on its queue once more.
 *
 * @throws {TransientError} the queue did not take all of them; the next sweep finds the rest
 */
export const sendAgain = (
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  bucket: string,
  keys: readonly string[],
): Promise<void> =>
  sendAll(
    sqs,
    queueUrl,
    keys.map((key) => ({ body: formatObjectCreated({ bucket, key }) })),
  );
