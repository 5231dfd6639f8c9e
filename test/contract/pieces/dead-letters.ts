import { maxReceiveCount } from '../../../shared/queue/queue-settings.ts';
import { definePiece } from '../piece.ts';
import { makeQueueWithDeadLetters, queueArn, receive, send, take } from '../queues.ts';

export const deadLetters = definePiece({
  name: 'a dead letter after 10 receives',
  source:
    'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html',
  aws: {
    receives: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'],
    deadLetters: [
      { body: 'x', attributes: ['replay=7'], sameId: true, sentAt: 'as before', from: 'its queue' },
    ],
  },
  observe: async (service) => {
    const name = 'contract-dead-letters';
    const { queueUrl, deadLetterUrl } = await makeQueueWithDeadLetters(service, name, maxReceiveCount);
    const id = await send(service, queueUrl, 'x', { replay: '7' });
    const receives = [];
    let sentAt: string | undefined;
    // Once more than it may be: the look that finds it received too often moves it.
    for (let look = 0; look <= maxReceiveCount; look++) {
      for (const { Attributes } of await receive(service, queueUrl, {
        VisibilityTimeout: 0,
        WaitTimeSeconds: 1,
      })) {
        receives.push(Attributes?.ApproximateReceiveCount);
        sentAt = Attributes?.SentTimestamp;
      }
    }
    const letters = await take(service, deadLetterUrl, 1);
    const source = queueArn(service, name);
    return {
      receives,
      deadLetters: letters.map(({ Body, MessageId, Attributes, MessageAttributes = {} }) => ({
        body: Body,
        attributes: Object.entries(MessageAttributes).map(([key, value]) => `${key}=${value.StringValue}`),
        sameId: MessageId === id,
        // The 14 days of a dead letter count from here.
        sentAt: Attributes?.SentTimestamp === sentAt ? 'as before' : 'anew',
        from:
          Attributes?.DeadLetterQueueSourceArn === source
            ? 'its queue'
            : Attributes?.DeadLetterQueueSourceArn,
      })),
    };
  },
});
