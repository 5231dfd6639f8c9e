import { GetQueueAttributesCommand, type QueueAttributeName, type SQSClient } from '@aws-sdk/client-sqs';
import type { ListedObject, ObjectStore } from '../object-store/object-store.ts';
import { formatObjectCreated, parseObjectCreated } from '../queue/object-created.ts';
import { deadLetterQueueName, type QueueKind } from '../queue/queue-settings.ts';
import { giveBack, type ReceivedMessage, receiveAll } from '../queue/receive-all.ts';
import { sendAll } from '../queue/send-all.ts';
import { listDropped } from '../records/dropped.ts';
import { findLost, parseOrUndefined, type SweepFacts } from './find-lost.ts';
import { listRetriedKeys } from './retried-messages.ts';

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
  /** None of the messages on the queue accounts for an object that is not followed. */
  ignoresQueued?: boolean;
  /** Keeps the notes of what is retried, and the marks of what was discarded. */
  notes: Pick<ObjectStore, 'get' | 'list' | 'delete'>;
  queue: QueueKind;
}

export interface SweepResult {
  /** Objects checked. */
  objects: number;
  /** The keys whose events were sent again. */
  sent: string[];
  /** There are too many dead letters to check lost objects against: nothing was sent. */
  isBlind: boolean;
}

/** An event reaches its queue within seconds, and is handled or a dead letter within minutes. */
const onTheWayMs = 15 * 60 * 1000;

/**
 * Sends the events of lost objects again. An event that is sent needlessly changes nothing.
 *
 * @throws {TransientError} SQS does not answer; the next sweep does the same
 */
export async function sweepZone(zone: SweptZone, deps: SweepDeps): Promise<SweepResult> {
  const { bucket, objects, isFollowed, ignoresQueued = false, notes, queue } = zone;
  const before = new Date(deps.now().getTime() - onTheWayMs);
  const facts = { isFollowed, before, deadKeys: new Set<string>(), queued: 0 };
  const nothing = { objects: objects.length, sent: [], isBlind: false };
  const onQueue = await countMessages(deps);
  const isDone = (text: string) => {
    const key = parseOrUndefined(text);
    return key !== undefined && isFollowed(key);
  };
  const retried = await listRetriedKeys({ ingested: notes, queue, queued: onQueue, isDone, now: deps.now() });
  // Usually nothing is missing, and the queues need not be read.
  if (findLost(objects, facts).length === 0) return nothing;
  const letters = await readDeadLetterKeys(deps.sqs, deadLetterQueueName(deps.queueUrl));
  if (letters === undefined) return { ...nothing, isBlind: true };
  const deadKeys = new Set([...letters, ...retried, ...(await listDropped(notes))]);
  // Retried messages are on the queue too, and account for nothing else.
  const queued = ignoresQueued ? 0 : Math.max(0, onQueue - retried.size);
  const sent = findLost(objects, { ...facts, deadKeys, queued });
  await sendAgain(deps.sqs, deps.queueUrl, bucket, sent);
  return { ...nothing, sent };
}

const counts: QueueAttributeName[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

/** The messages of a queue, those in flight and those that are delayed included. On AWS the count is approximate. */
export async function countMessages({ sqs, queueUrl }: Pick<SweepDeps, 'sqs' | 'queueUrl'>): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: counts }),
  );
  return counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}

/** At a second each in the worst case, all are received before the first becomes visible again. */
const maxMessages = 5000;

/**
 * The keys of all objects that a dead-letter queue's messages name; the messages are given back.
 *
 * @returns undefined if there are too many to read, because then any object may be among them
 */
async function readDeadLetterKeys(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
): Promise<ReadonlySet<string> | undefined> {
  const held: ReceivedMessage[] = [];
  try {
    for await (const messages of receiveAll(sqs, queueUrl)) {
      held.push(...messages);
      if (held.length > maxMessages) return undefined;
    }
    return new Set(held.flatMap(keysOf));
  } finally {
    await giveBack(sqs, queueUrl, held);
  }
}

/** The attribute names the object that failed, the body all objects that are in the message with it. */
function keysOf({ Body = '', MessageAttributes = {} }: ReceivedMessage): string[] {
  const failed = MessageAttributes.key?.StringValue;
  return [...(failed === undefined ? [] : [failed]), ...keysInBody(Body)];
}

function keysInBody(body: string): string[] {
  try {
    return parseObjectCreated(body).map(({ key }) => key);
  } catch {
    // A body that cannot be parsed is the reason why the message is here.
    return [];
  }
}

/**
 * Puts the event of each object on its queue once more.
 *
 * @throws {TransientError} the queue did not accept all of them; the next sweep finds the rest
 */
export const sendAgain = (
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  bucket: string,
  keys: readonly string[],
): Promise<void> =>
  sendAll(
    sqs,
    queueUrl,
    keys.map((key) => ({ body: formatObjectCreated({ bucket, key }) })),
  );

/** Older runs are not swept. Longer than a message can live on a queue and then among the dead letters. */
const sweptDays = 30;

/** The earliest day whose runs are swept. */
export const sweptSince = (now: Date): Date => new Date(now.getTime() - sweptDays * 24 * 3600 * 1000);
