import type { Logger } from '@aws-lambda-powertools/logger';
import { type AwsClients, shareAwsClients } from '../aws-clients.ts';
import type { FunctionVariables } from '../environment.ts';
import { makeNotify } from '../events.ts';
import { makeLogger } from '../logger.ts';
import { deadLetterQueueName, type QueueKind } from '../queue/queue-settings.ts';
import { type MovedLettersDeps, notifyMovedLetters } from './notify-moved-letters.ts';
import type { SweepDeps } from './sweep-zone.ts';

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
  config: FunctionVariables,
): SweepFunction {
  const aws = shareAwsClients(config);
  const deps: SweepDeps = { sqs: aws.sqs, queueUrl, now: () => new Date() };
  const letters: MovedLettersDeps = {
    sqs: aws.sqs,
    queue,
    deadLetterUrl: deadLetterQueueName(queueUrl),
    notify: makeNotify(aws.eventBridge, config.stage),
    now: deps.now,
  };
  return {
    aws,
    logger: makeLogger(name),
    deps,
    notifyMoved: (record) => notifyMovedLetters(record === undefined ? letters : { ...letters, record }),
  };
}
