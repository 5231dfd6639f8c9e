import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { TransientError } from '../errors.ts';
import { formatObjectCreated } from '../queue/object-created.ts';

const batchMessages = 10;

/**
 * Puts the event of each object on its queue once more.
 *
 * @throws {TransientError} the queue did not take all of them; the next sweep finds the rest
 */
export async function sendAgain(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  bucket: string,
  keys: readonly string[],
): Promise<void> {
  for (let start = 0; start < keys.length; start += batchMessages) {
    const Entries = keys
      .slice(start, start + batchMessages)
      .map((key, index) => ({ Id: String(index), MessageBody: formatObjectCreated({ bucket, key }) }));
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    const [first] = Failed;
    if (first !== undefined) {
      throw new TransientError(`SQS did not take ${Failed.length} events: ${first.Message ?? first.Code}`);
    }
  }
}
