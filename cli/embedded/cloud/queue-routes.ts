import type { ServerResponse } from 'node:http';
import type { CloudServer } from './fauxqs.ts';
import type { QueueStore } from './queue-store.ts';

/** Adds to fauxqs' SQS what its clients would otherwise be misled or delayed by. */
export function addQueueRoutes(server: CloudServer, store: QueueStore): void {
  // fauxqs looks at its clock on a receive only: a message whose time in flight is over would still
  // be counted as in flight.
  server.addHook('preHandler', async (request) => {
    if (request.headers['x-amz-target'] === 'AmazonSQS.GetQueueAttributes') store.processAllTimers();
  });
  server.addHook('onSend', async (request, reply, payload) => {
    if (request.headers['x-amz-target'] !== 'AmazonSQS.ReceiveMessage' || !isGone(reply.raw)) return payload;
    giveBack(store, request.body, payload);
    return payload;
  });
}

/** The client of a long poll has died or given up. */
const isGone = (response: ServerResponse): boolean =>
  response.destroyed || response.socket?.destroyed === true;

/** Without this the messages stay invisible for the queue's whole visibility timeout, as nobody has them. */
function giveBack(store: QueueStore, request: unknown, payload: unknown): void {
  const { QueueUrl } = request as { QueueUrl: string };
  const { Messages = [] } = JSON.parse(String(payload)) as { Messages?: { ReceiptHandle: string }[] };
  const queue = store.getQueue(QueueUrl);
  for (const { ReceiptHandle } of Messages) {
    const message = queue?.inflightMessages.get(ReceiptHandle)?.message;
    if (queue === undefined || message === undefined) continue;
    message.approximateReceiveCount -= 1;
    queue.changeVisibility(ReceiptHandle, 0);
    queue.persistence?.insertMessage(queue.name, message);
  }
}
