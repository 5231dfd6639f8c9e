import middy from '@middy/core';
import { shareAwsClients } from '../../shared/aws-clients.ts';
import { makeNotify } from '../../shared/events.ts';
import { type DatabaseContext, withDatabase } from '../../shared/handler/with-database.ts';
import { withLogging } from '../../shared/handler/with-logging.ts';
import { makeLogger } from '../../shared/logger.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { deadLetterQueueName } from '../../shared/queue/queue-settings.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { runSweep } from '../../shared/sweep/run-sweep.ts';
import { type MovedLettersDeps, tellOfMoved } from '../../shared/sweep/tell-of-moved.ts';
import { describeGap } from '../../shared/warehouse/continuity.ts';
import { readConfig } from './config.ts';
import { makeReadyWarehouse } from './ready-warehouse.ts';
import { sweepProcessed } from './sweep.ts';

const { processedBucket, warehouseSchema: schema, foreignKeys, ...config } = readConfig();
const { s3, sqs, secretsManager, eventBridge } = shareAwsClients(config);
const logger = makeLogger('loading-sweep');
const ingested = makeObjectStore(s3, config.ingestedBucket);
const readyWarehouse = makeReadyWarehouse(starSchema, { schema, foreignKeys, ingested });
const deps = {
  ingested,
  processed: makeObjectStore(s3, processedBucket),
  model: starSchema,
  sqs,
  queueUrl: config.loadQueueUrl,
  now: () => new Date(),
};
const letters: MovedLettersDeps = {
  ...{ sqs, queue: 'load', now: deps.now },
  deadLetterUrl: deadLetterQueueName(config.loadQueueUrl),
  notify: makeNotify(eventBridge, config.stage),
};

/** The scheduled sweep of the processed zone. It takes no input; it returns what it did. */
export const handler = middy()
  .use(withLogging(logger))
  .use(
    withDatabase({
      secretsManager,
      sslmode: config.sslmode,
      secretId: config.warehouseSecretId,
      what: 'warehouse',
      applicationName: 'starlift-sweep',
    }),
  )
  .handler((_event: unknown, { database }: DatabaseContext) => {
    // Looking at dead letters needs no warehouse.
    const sweep = async () => {
      await readyWarehouse(database);
      const result = await sweepProcessed({ ...deps, database });
      if (result.gap !== undefined) logger.warn(describeGap(result.gap), { sent: result.sent.length });
      return result;
    };
    return runSweep({ tell: () => tellOfMoved(letters), sweep }, logger);
  });
