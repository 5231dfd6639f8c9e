import type { Logger } from '@aws-lambda-powertools/logger';
import { type AwsClients, shareAwsClients } from '../aws-clients.ts';
import type { FunctionVariables } from '../environment.ts';
import { makeNotify } from '../events.ts';
import { makeLogger } from '../logger.ts';
import { makeObjectStore } from '../object-store/object-store.ts';
import { deadLetterQueueName, type QueueKind } from '../queue/queue-settings.ts';
import { type MovedLettersDeps, notifyMovedLetters } from './notify-moved-letters.ts';
import type { SweepDeps, SweepResult } from './sweep-zone.ts';

/** What the scheduled sweeps of all services are made of. */
export interface SweepFunction {
  aws: AwsClients;
  logger: Logger;
  deps: SweepDeps;
  /** @param record as in MovedLettersDeps */
  notifyMoved(record?: MovedLettersDeps['record']): Promise<number>;
}

/**
 * @param name in the log lines
 * @param queue the one that the service takes its messages from
 */
export function makeSweepFunction(
  name: string,
  queue: QueueKind,
  queueUrl: string,
  config: FunctionVariables & { ingestedBucket: string },
): SweepFunction {
  const aws = shareAwsClients(config);
  const ingested = makeObjectStore(aws.s3, config.ingestedBucket);
  const deps: SweepDeps = { sqs: aws.sqs, queueUrl, now: () => new Date() };
  const letters: MovedLettersDeps = {
    sqs: aws.sqs,
    queue,
    deadLetterUrl: deadLetterQueueName(queueUrl),
    notify: makeNotify(aws.eventBridge, config.stage, ingested),
    now: deps.now,
  };
  return {
    aws,
    logger: makeLogger(name),
    deps,
    notifyMoved: (record) => notifyMovedLetters(record === undefined ? letters : { ...letters, record }),
  };
}

const shownKeys = 100;

/**
 * Runs the two parts of a sweep one after the other, because both receive the dead letters, and the second would not
 * see those that the first holds. The second runs even if the first fails.
 *
 * @throws any error of either part; the next sweep does the rest
 */
export async function runSweep(
  parts: { notifyMoved(): Promise<number>; sweep(): Promise<SweepResult> },
  logger: Pick<Logger, 'info' | 'warn'>,
): Promise<SweepResult & { reported: number }> {
  const [notified] = await Promise.allSettled([parts.notifyMoved()]);
  const result = await parts.sweep();
  logSweep(result, logger);
  if (notified.status === 'rejected') throw notified.reason;
  logMovedLetters(notified.value, logger);
  return { ...result, reported: notified.value };
}

/** A warning if the sweep found something: events are rarely lost. */
function logSweep({ objects, sent, isBlind }: SweepResult, logger: Pick<Logger, 'info' | 'warn'>): void {
  const counts = { objects, sent: sent.length };
  if (isBlind) logger.warn('too many dead letters to check lost objects against: nothing was sent', counts);
  else if (sent.length === 0) logger.info('nothing was lost', counts);
  else logger.warn('events were lost, and are sent again', { ...counts, keys: sent.slice(0, shownKeys) });
}

/** A warning too: a function rarely dies at every receive. */
export function logMovedLetters(reported: number, logger: Pick<Logger, 'warn'>): void {
  if (reported > 0)
    logger.warn('SQS had moved messages without a reason: they are reported now', { reported });
}
