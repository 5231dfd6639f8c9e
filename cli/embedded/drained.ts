import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import type { Cloud } from './cloud/start-cloud.ts';
import { queueNames } from './resources.ts';

/**
 * Says whether no work is left in the three queues.
 *
 * Work flows one way, a message is deleted only when what it leads to is on the next queue, and the embedded
 * queues count exactly. So one look at each, in the order of the flow, proves it: what was behind the look has
 * passed, nothing can come from before it.
 *
 * @param kinds all of them, or the first ones
 */
export const isDrained = (
  cloud: Pick<Cloud, 'countMessages'>,
  kinds: readonly QueueKind[] = queueKinds,
): boolean => kinds.every((kind) => cloud.countMessages(queueNames[kind]) === 0);

/** The messages of all three queues, those included that somebody works on or that wait to be tried again. */
export const countMessages = (cloud: Pick<Cloud, 'countMessages'>): number =>
  queueKinds.reduce((sum, kind) => sum + cloud.countMessages(queueNames[kind]), 0);
