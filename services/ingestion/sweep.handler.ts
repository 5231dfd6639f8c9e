import middy from '@middy/core';
import { makeAwsClients } from '../../shared/aws-clients.ts';
import { makeNotify } from '../../shared/events.ts';
import { withLogging } from '../../shared/handler/with-logging.ts';
import { makeLogger } from '../../shared/logger.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { deadLetterQueueName } from '../../shared/queue/queue-settings.ts';
import { logTold } from '../../shared/sweep/log-sweep.ts';
import { type MovedLettersDeps, tellOfMoved } from '../../shared/sweep/tell-of-moved.ts';
import { readConfig } from './config.ts';
import { putRecord } from './failed-slices.ts';

const config = readConfig();
const { s3, sqs, eventBridge } = makeAwsClients(config);
const logger = makeLogger('ingestion-sweep');
const ingested = makeObjectStore(s3, config.ingestedBucket);
const deps: MovedLettersDeps = {
  sqs,
  queue: 'extract',
  deadLetterUrl: deadLetterQueueName(config.extractQueueUrl),
  notify: makeNotify(eventBridge, config.stage),
  now: () => new Date(),
  record: (body, reason) => putRecord(ingested, body, reason),
};

/**
 * The scheduled sweep of the extract queue: what its function died of is told and recorded. It takes no input; it
 * returns what it did.
 */
export const handler = middy()
  .use(withLogging(logger))
  .handler(async (): Promise<{ told: number }> => {
    const told = await tellOfMoved(deps);
    logTold(told, logger);
    return { told };
  });
