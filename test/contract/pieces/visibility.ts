import { ChangeMessageVisibilityBatchCommand, ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { definePiece } from '../piece.ts';
import { makeQueue, receive, send } from '../queues.ts';
import type { Service } from '../service.ts';

const source =
  'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html';

export const visibilityTimeout = definePiece({
  name: 'visibility timeout',
  source,
  aws: { whileHidden: 0, cameBack: { receives: '2', notBefore: true } },
  observe: async (service) => {
    const queueUrl = await makeQueue(service, 'contract-visibility');
    await send(service, queueUrl, 'x');
    const hiddenAt = Date.now();
    const [first] = await receive(service, queueUrl, { VisibilityTimeout: 2 });
    if (first === undefined) return { whileHidden: 'never received' };
    const whileHidden = (await receive(service, queueUrl)).length;
    return { whileHidden, cameBack: seenOf(await cameBack(service, queueUrl, hiddenAt + 2000)) };
  },
});

export const changedVisibility = definePiece({
  name: 'ChangeMessageVisibility',
  source,
  aws: {
    putOff: { receives: '2', notBefore: true },
    givenBack: { receives: '3', notBefore: true },
    givenBackInBatch: { receives: '4', notBefore: true },
  },
  observe: async (service) => {
    const { sqs } = service.clients;
    const QueueUrl = await makeQueue(service, 'contract-changed-visibility');
    await send(service, QueueUrl, 'x');
    const handle = async () => (await receive(service, QueueUrl, { VisibilityTimeout: 1 }))[0]?.ReceiptHandle;
    const change = (ReceiptHandle: string | undefined, VisibilityTimeout: number) =>
      sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
    // One second would be over long before this.
    await change(await handle(), 3);
    const putOff = await cameBack(service, QueueUrl, Date.now() + 3000);
    await change(putOff.handle, 0);
    const givenBack = await cameBack(service, QueueUrl, Date.now());
    const Entries = [{ Id: '0', ReceiptHandle: givenBack.handle, VisibilityTimeout: 0 }];
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    const givenBackInBatch = await cameBack(service, QueueUrl, Date.now());
    return {
      putOff: seenOf(putOff),
      givenBack: seenOf(givenBack),
      givenBackInBatch: seenOf(givenBackInBatch),
    };
  },
});

interface Return {
  receives: string | undefined;
  notBefore: boolean;
  handle: string | undefined;
}

const seenOf = ({ receives, notBefore }: Return) => ({ receives, notBefore });

/** Longer than any test's own timeouts: what is received by then was not hidden for long. */
const patienceSeconds = 10;
/** A service may count whole seconds from the one that has begun. */
const toleranceMs = 1000;

/** Waits for the message; it stays in hand for a minute. */
async function cameBack(service: Service, queueUrl: string, dueAt: number): Promise<Return> {
  const deadline = Date.now() + patienceSeconds * 1000;
  while (Date.now() < deadline) {
    const [message] = await receive(service, queueUrl, { VisibilityTimeout: 60, WaitTimeSeconds: 1 });
    if (message === undefined) continue;
    return {
      receives: message.Attributes?.ApproximateReceiveCount,
      notBefore: Date.now() >= dueAt - toleranceMs,
      handle: message.ReceiptHandle,
    };
  }
  throw new Error(`the message did not come back to ${queueUrl} within ${patienceSeconds} s`);
}
