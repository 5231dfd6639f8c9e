import { GetQueueAttributesCommand, type QueueAttributeName, type SQSClient } from '@aws-sdk/client-sqs';
import type { ListedObject } from '../object-store/object-store.ts';
import { deadLetterQueueName } from '../queue/queue-settings.ts';
import { readDeadLetterKeys } from './dead-letter-keys.ts';
import { findLost, type SweepFacts } from './find-lost.ts';
import { sendAgain } from './send-again.ts';

export interface SweepDeps {
  sqs: Pick<SQSClient, 'send'>;
  /** The queue of the zone's events. */
  queueUrl: string;
  now(): Date;
}

export interface SweptZone {
  bucket: string;
  objects: readonly ListedObject[];
  isFollowed: SweepFacts['isFollowed'];
  /** What is on the queue accounts for none of the objects that are not followed. */
  ignoresQueued?: boolean;
}

export interface SweepResult {
  /** Objects looked at. */
  objects: number;
  /** The keys whose events were sent again. */
  sent: string[];
  /** There are more dead letters than can be told from lost objects: nothing was sent. */
  isBlind: boolean;
}

/** An event is on its queue within seconds, and done within minutes, or among the dead letters. */
const onTheWayMs = 15 * 60 * 1000;
/** Older runs are not looked at. Longer than a message can live on a queue and then among the dead letters. */
const sweptDays = 30;

/** The day from whose runs on a sweep looks at objects. */
export const sweptSince = (now: Date): Date => new Date(now.getTime() - sweptDays * 24 * 3600 * 1000);

/**
 * Sends the events of lost objects again. What it sends needlessly changes nothing.
 *
 * @throws {TransientError} SQS does not answer; the next sweep does the same
 */
export async function sweepZone(zone: SweptZone, deps: SweepDeps): Promise<SweepResult> {
  const { bucket, objects, isFollowed, ignoresQueued = false } = zone;
  const before = new Date(deps.now().getTime() - onTheWayMs);
  const facts = { isFollowed, before, deadKeys: new Set<string>(), queued: 0 };
  const nothing = { objects: objects.length, sent: [], isBlind: false };
  // As a rule nothing is missing, and the queues are left alone.
  if (findLost(objects, facts).length === 0) return nothing;
  const queued = ignoresQueued ? 0 : await countMessages(deps);
  const deadKeys = await readDeadLetterKeys(deps.sqs, deadLetterQueueName(deps.queueUrl));
  if (deadKeys === undefined) return { ...nothing, isBlind: true };
  const sent = findLost(objects, { ...facts, deadKeys, queued });
  await sendAgain(deps.sqs, deps.queueUrl, bucket, sent);
  return { ...nothing, sent };
}

const counts: QueueAttributeName[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

async function countMessages({ sqs, queueUrl }: SweepDeps): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: counts }),
  );
  return counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}
