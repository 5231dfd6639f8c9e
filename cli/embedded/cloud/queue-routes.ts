import type { Socket } from 'node:net';
import { type CloudServer, invalidBodyCharacter } from './fauxqs.ts';
import type { QueueStore } from './queue-store.ts';

/** Adds to fauxqs' SQS what its clients would otherwise be misled or delayed by. */
export function addQueueRoutes(server: CloudServer, store: QueueStore): void {
  // fauxqs takes the two halves of a character above U+FFFF for invalid ones; SQS takes the character.
  const invalid = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
  invalidBodyCharacter.test = (body) => invalid.test(body);
  // fauxqs looks at its clock on a receive only: a message whose time in flight is over would still
  // be counted as in flight.
  server.addHook('preHandler', async (request) => {
    if (request.headers['x-amz-target'] === 'AmazonSQS.GetQueueAttributes') store.processAllTimers();
  });
  server.addHook('onSend', async (request, _reply, payload) => {
    if (request.headers['x-amz-target'] !== 'AmazonSQS.ReceiveMessage' || !isGone(request.raw.socket))
      return payload;
    giveBack(store, request.body, payload);
    return payload;
  });
}

/** The client of a long poll has died or given up: it closed its side, while ours may still be open. */
const isGone = (socket: Socket): boolean => socket.destroyed || socket.readableEnded;

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
