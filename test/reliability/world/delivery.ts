import type { ReceivedMessage } from '../../../cli/embedded/cloud/fauxqs.ts';
import { type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { summarizeLog } from './hints.ts';
import type { Director } from './invocation.ts';
import { eventOf, isDoneWith } from './queues.ts';
import type { World } from './world.ts';

/**
 * Plans by the hints that the source offers, and then looks at every table; each time all that was found is delivered.
 *
 * @param delivery the director of what is delivered, where it is another
 */
export async function runOnce(
  world: World,
  director: Director,
  { delivery = director, order }: { delivery?: Director; order?: DeliveryOrder } = {},
): Promise<void> {
  if (world.hints.summaries) await summarizeLog(world.source);
  await planOnce(world, director, {});
  await deliverAll(world, delivery, order);
  await planExactly(world, director);
  await deliverAll(world, delivery, order);
}

/** Looks at every table. */
export const planExactly = (world: World, director: Director): Promise<PlannedRun> =>
  planOnce(world, director, { isExact: true });

/** Plans anew where the planner crashed, as its schedule would. */
async function planOnce(
  { functions }: World,
  director: Director,
  event: { isExact?: boolean },
): Promise<PlannedRun> {
  for (;;) {
    const outcome = await functions.invoke('plan', event, director);
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'done') return outcome.value as PlannedRun;
  }
}

export type DeliveryOrder = (messages: ReceivedMessage[]) => ReceivedMessage[];

/**
 * Delivers until the queues are empty, one message at a time. A message that failed, or whose handler crashed, comes
 * back at once.
 *
 * @param inOrder puts the messages of one look at a queue in the order of their delivery
 */
export async function deliverAll(
  world: World,
  director: Director,
  inOrder: DeliveryOrder = (messages) => messages,
): Promise<void> {
  for (let delivered = 1; delivered > 0; ) {
    delivered = 0;
    for (const kind of queueKinds) delivered += await deliverQueue(world, kind, director, inOrder);
  }
}

async function deliverQueue(
  { queues, functions }: World,
  kind: QueueKind,
  director: Director,
  inOrder: DeliveryOrder,
): Promise<number> {
  const messages = inOrder(await queues.receiveAll(kind));
  const done: ReceivedMessage[] = [];
  for (const message of messages) {
    const outcome = await functions.invoke(kind, eventOf(kind, message), director);
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'done' && isDoneWith(outcome.value, message)) done.push(message);
    else await queues.giveBack(kind, message);
  }
  await queues.delete(kind, done);
  return messages.length;
}
