import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { startEventSourceMapping } from '../../cli/embedded/workers/event-source-mapping.ts';
import { openSqsQueue } from '../helpers/network/sqs-queue.ts';
import { startInlinePool } from '../helpers/processes/inline-pool.ts';
import type { ContractClients } from './service.ts';

/** The same as source text, for a service that runs functions itself. */
export const failBadSource = `
  exports.handler = async ({ Records }) => ({
    batchItemFailures: Records.filter(({ body }) => body === 'bad')
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  });
`;

const failBad = async (event: unknown): Promise<SQSBatchResponse> => ({
  batchItemFailures: (event as SQSEvent).Records.filter(({ body }) => body === 'bad').map(
    ({ messageId }) => ({
      itemIdentifier: messageId,
    }),
  ),
});

/** Maps the queue by the project's own event source mapping, where the service has none. */
export async function mapQueueOurselves(
  { sqs }: ContractClients,
  queueUrl: string,
): Promise<() => Promise<void>> {
  const pool = startInlinePool({ failBad });
  const mapping = startEventSourceMapping({
    queue: openSqsQueue(sqs, queueUrl, 1),
    queueArn: 'arn:aws:sqs:x:0:contract',
    functionName: 'failBad',
    batchSize: 10,
    maximumConcurrency: 1,
    pool,
  });
  return async () => {
    await mapping.stop();
    await pool.stop();
  };
}
