import { definePiece } from '../piece.ts';
import { makeQueueWithDeadLetters, receive, send, take } from '../queues.ts';

export const batchFailures = definePiece({
  name: 'ReportBatchItemFailures',
  source: 'https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html',
  // The failed one comes again until it is a dead letter; its neighbours never do.
  aws: { deadLetters: ['bad'], left: 0 },
  observe: async (service) => {
    const { queueUrl, deadLetterUrl } = await makeQueueWithDeadLetters(service, 'contract-batch', 2, {
      VisibilityTimeout: '3',
    });
    for (const body of ['good 1', 'bad', 'good 2']) await send(service, queueUrl, body);
    const stop = await service.mapQueue(queueUrl);
    try {
      const letters = await take(service, deadLetterUrl, 1, 60);
      return {
        deadLetters: letters.map(({ Body }) => Body),
        left: (await receive(service, queueUrl)).length,
      };
    } finally {
      await stop();
    }
  },
});
