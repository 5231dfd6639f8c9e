import {
  GetQueueAttributesCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { textAttribute } from '../../shared/queue/send-all.ts';
import type { Site } from '../site/site.ts';
import { markRedriven } from './failed-records.ts';
import { type Failure, type FailureSelection, listFailures } from './list-failures.ts';
import { takeLetters } from './take-letters.ts';

type MessageAttributes = Record<string, MessageAttributeValue>;

export interface Redriven {
  queue: QueueKind;
  messageId: string;
  table: string | null;
  key: string | null;
  /**
   * - `sent`: it is on its queue again
   * - `moving`: SQS is moving the whole dead-letter queue
   * - `would be sent`: a dry run
   * - `not received`: another reader has received it; it is still a dead letter, or is being redriven already
   */
  outcome: 'sent' | 'moving' | 'would be sent' | 'not received';
}

/**
 * Sends dead letters back to the queues that they came from, with all their attributes. Sending one twice is
 * harmless, as every delivery is, so each step leaves a copy rather than a gap.
 */
export async function redrive(
  site: Site,
  selection: FailureSelection,
  { dryRun = false, now = new Date() }: { dryRun?: boolean; now?: Date } = {},
): Promise<Redriven[]> {
  const failures = await listFailures(site, selection, now);
  if (dryRun) return failures.map((failure) => describe(failure, 'would be sent'));
  const isWholeQueue = selection.tables === undefined && selection.messageId === undefined;
  const redriven: Redriven[] = [];
  for (const queue of queueKinds) {
    const letters = failures.filter((failure) => failure.queue === queue && !failure.isExpired);
    redriven.push(...(await redriveQueue(site, queue, letters, isWholeQueue)));
  }
  for (const failure of failures.filter(({ isExpired }) => isExpired)) {
    await sendExpired(site, failure);
    redriven.push(describe(failure, 'sent'));
  }
  // Last of all: a failure that is not noted as sent again is only shown, and sent, once more.
  const gone = new Set(
    redriven.filter(({ outcome }) => outcome !== 'not received').map((each) => each.messageId),
  );
  for (const { record, messageId } of failures) {
    if (record !== undefined && gone.has(messageId))
      await markRedriven(site.ingested, record, now.toISOString());
  }
  return redriven;
}

async function redriveQueue(
  site: Site,
  queue: QueueKind,
  letters: readonly Failure[],
  isWholeQueue: boolean,
): Promise<Redriven[]> {
  if (letters.length === 0) return [];
  const { sqs, deadLetterUrl, queueUrl } = site;
  // SQS moves a message with its attributes, and of one that it moved here itself these count attempts.
  const isMovable = isWholeQueue && !letters.some(({ isMoved }) => isMoved);
  if (isMovable && (await moveQueue(sqs, deadLetterUrl(queue), queueUrl(queue)))) {
    return letters.map((failure) => describe(failure, 'moving'));
  }
  const wanted = new Map(letters.map((failure) => [failure.messageId, failure]));
  const sent = await takeLetters(site, queue, new Set(wanted.keys()), async (letter) => {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl(queue),
        MessageBody: letter.Body,
        MessageAttributes: dropLastFailure(letter.MessageAttributes),
      }),
    );
  });
  return letters.map((failure) => describe(failure, sent.has(failure.messageId) ? 'sent' : 'not received'));
}

/** The error names with which a service without move tasks refuses one. */
const unknownToService = new Set([
  'AWS.SimpleQueueService.UnsupportedOperation',
  'InvalidAction',
  'NotImplemented',
  'UnknownOperationException',
  'UnsupportedOperation',
]);

/**
 * Has SQS move a whole dead-letter queue back, which it does by itself and at once.
 *
 * The destination is named: SQS knows where a message came from only if it moved it itself, and most dead letters
 * are sent by their handlers, for the reason to go along.
 *
 * @returns false where the service has no move tasks
 */
export async function moveQueue(
  sqs: Pick<SQSClient, 'send'>,
  fromUrl: string,
  toUrl: string,
): Promise<boolean> {
  const [SourceArn, DestinationArn] = await Promise.all([arnOf(sqs, fromUrl), arnOf(sqs, toUrl)]);
  try {
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
    return true;
  } catch (error) {
    const { name } = error as { name?: unknown };
    if (typeof name === 'string' && unknownToService.has(name)) return false;
    throw error;
  }
}

async function arnOf(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Promise<string> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
  );
  return Attributes?.QueueArn ?? '';
}

/**
 * Keeps the message's own attributes and the time of its failure, by which a recovery is known. The old reason is
 * dropped: it would be taken for the new one if the function dies the next time. What counts attempts is dropped too,
 * so that the message begins anew.
 */
const dropLastFailure = ({
  error,
  reason,
  table,
  key,
  attempts,
  breaks,
  waitingSince,
  ...kept
}: MessageAttributes = {}) => kept;

async function sendExpired({ sqs, queueUrl }: Site, { queue, body, failedAt }: Failure) {
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl(queue),
      MessageBody: body,
      MessageAttributes: { failedAt: textAttribute(failedAt) },
    }),
  );
}

const describe = (failure: Failure, outcome: Redriven['outcome']): Redriven => ({
  queue: failure.queue,
  messageId: failure.messageId,
  table: failure.table ?? null,
  key: failure.key ?? null,
  outcome,
});
