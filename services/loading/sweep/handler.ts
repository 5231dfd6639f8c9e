import middy from '@middy/core';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { makeSweepFunction, runSweep } from '../../../shared/sweep/sweep-function.ts';
import { describeGap } from '../../../shared/warehouse/continuity.ts';
import { settleRebuilds } from '../../../shared/warehouse/rebuild.ts';
import { readConfig } from '../config.ts';
import { makeReadyWarehouse } from '../ready-warehouse.ts';
import { sweepProcessed } from './sweep.ts';

const { processedBucket, warehouseSchema: schema, foreignKeys, ...config } = readConfig();
const { aws, logger, deps, notifyMoved } = makeSweepFunction(
  'loading-sweep',
  'load',
  config.loadQueueUrl,
  config,
);
const ingested = makeObjectStore(aws.s3, config.ingestedBucket);
const processed = makeObjectStore(aws.s3, processedBucket);
const readyWarehouse = makeReadyWarehouse(starSchema, { schema, foreignKeys, ingested });

/** The scheduled sweep of the processed zone. It takes no input; it returns what it did. */
export const handler = middy()
  .use(withLogging(logger))
  .use(
    withDatabase({
      secretsManager: aws.secretsManager,
      sslmode: config.sslmode,
      secretId: config.warehouseSecretId,
      what: 'warehouse',
      applicationName: 'starlift-sweep',
      patienceMs: config.connectPatienceMs,
    }),
  )
  .handler((_event: unknown, { database }: DatabaseContext) => {
    // Dead letters are read without the warehouse, so they are reported even if it cannot be reached.
    const sweep = async () => {
      await readyWarehouse(database);
      await database.withClient((client) =>
        settleRebuilds(client, { ingested, processed, model: starSchema }),
      );
      const result = await sweepProcessed({ ...deps, ingested, processed, model: starSchema, database });
      if (result.gap !== undefined) logger.warn(describeGap(result.gap), { sent: result.sent.length });
      return result;
    };
    return runSweep({ notifyMoved, sweep }, logger);
  });
