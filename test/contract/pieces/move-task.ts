import { ListMessageMoveTasksCommand } from '@aws-sdk/client-sqs';
import { moveQueue } from '../../../cli/failures/redrive.ts';
import { waitUntil } from '../../deploy/wait-until.ts';
import { definePiece } from '../piece.ts';
import { makeQueueWithDeadLetters, queueArn, receive, send, take } from '../queues.ts';

const name = 'contract-move-task';

export const moveTask = definePiece({
  name: 'StartMessageMoveTask',
  source:
    'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html',
  aws: {
    isOffered: true,
    moved: [
      { body: 'first', attributes: ['reason=first reason'] },
      { body: 'second', attributes: ['reason=second reason'] },
    ],
    left: 0,
    task: { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 2 },
  },
  observe: async (service) => {
    const { sqs } = service.clients;
    const { queueUrl, deadLetterUrl } = await makeQueueWithDeadLetters(service, name, 5);
    // As a handler sends them: SQS does not know where they came from.
    for (const body of ['first', 'second'])
      await send(service, deadLetterUrl, body, { reason: `${body} reason` });
    const isOffered = await moveQueue(sqs, deadLetterUrl, queueUrl);
    if (!isOffered) return { isOffered };
    const moved = await take(service, queueUrl, 2);
    const SourceArn = queueArn(service, `${name}-dlq`);
    const task = await waitUntil('the task is over', 20, async () => {
      const { Results = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
      return Results[0]?.Status !== 'RUNNING' && Results[0];
    });
    const { Status, ApproximateNumberOfMessagesMoved } = task;
    return {
      isOffered,
      moved: moved
        .map(({ Body, MessageAttributes = {} }) => ({
          body: Body ?? '',
          attributes: Object.entries(MessageAttributes).map(([key, value]) => `${key}=${value.StringValue}`),
        }))
        .sort((a, b) => a.body.localeCompare(b.body)),
      left: (await receive(service, deadLetterUrl)).length,
      task: { Status, ApproximateNumberOfMessagesMoved },
    };
  },
});
