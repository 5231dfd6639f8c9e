import { deadLetterQueueName, type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import type { DeadLetter } from '../operator/dead-letter.ts';
import { inspectDeadLetters } from '../operator/inspect-queue.ts';
import type { Cloud } from './cloud/start-cloud.ts';
import { queueNames } from './resources.ts';

const queueName = (kind: QueueKind): string => deadLetterQueueName(queueNames[kind]);

/** The dead letters of the embedded stack, oldest first, looked at without receiving them. */
export const listDeadLetters = (endpoint: string): Promise<DeadLetter[]> =>
  inspectDeadLetters(endpoint, (kind) => `${endpoint}/000000000000/${queueName(kind)}`);

/** Without asking for them one by one. */
export const hasDeadLetters = (cloud: Pick<Cloud, 'countMessages'>): boolean =>
  queueKinds.some((kind) => cloud.countMessages(queueName(kind)) > 0);
