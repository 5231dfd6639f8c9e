import middy from '@middy/core';
import { shareAwsClients } from '../../shared/aws-clients.ts';
import { makeNotify } from '../../shared/events.ts';
import { withLogging } from '../../shared/handler/with-logging.ts';
import { makeLogger } from '../../shared/logger.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { deadLetterQueueName } from '../../shared/queue/queue-settings.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { runSweep } from '../../shared/sweep/run-sweep.ts';
import { type MovedLettersDeps, tellOfMoved } from '../../shared/sweep/tell-of-moved.ts';
import { readConfig } from './config.ts';
import { sweepIngested } from './sweep.ts';

const config = readConfig();
const { s3, sqs, eventBridge } = shareAwsClients(config);
const logger = makeLogger('transformation-sweep');
const deps = {
  ingested: makeObjectStore(s3, config.ingestedBucket),
  processed: makeObjectStore(s3, config.processedBucket),
  model: starSchema,
  sqs,
  queueUrl: config.transformQueueUrl,
  now: () => new Date(),
};
const letters: MovedLettersDeps = {
  ...{ sqs, queue: 'transform', now: deps.now },
  deadLetterUrl: deadLetterQueueName(config.transformQueueUrl),
  notify: makeNotify(eventBridge, config.stage),
};

/** The scheduled sweep of the ingested zone. It takes no input; it returns what it did. */
export const handler = middy()
  .use(withLogging(logger))
  .handler(() => runSweep({ tell: () => tellOfMoved(letters), sweep: () => sweepIngested(deps) }, logger));
