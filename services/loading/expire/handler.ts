import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import type { DatabaseContext } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { readConfig } from '../config.ts';
import { makeReadyWarehouse } from '../ready-warehouse.ts';
import { withWarehouse } from '../with-warehouse.ts';
import type { Expiry } from './expire-objects.ts';
import { expireOnSchedule } from './expire-on-schedule.ts';

const { warehouseSchema, foreignKeys, stage, expireAfter, processedBucket, ...config } = readConfig();
const { s3, secretsManager } = shareAwsClients(config);
const logger = makeLogger('expire');
const metrics = makeTableMetrics(stage);
const ingested = makeObjectStore(s3, config.ingestedBucket);
const processed = makeObjectStore(s3, processedBucket);
const readPublished = makeModelReader(ingested);
const readyWarehouse = makeReadyWarehouse({
  schema: warehouseSchema,
  foreignKeys,
  ingested,
  readModel: () => readPublished({ isFresh: true }),
  stage,
});

/** Two thirds of the function's timeout, so that a piece has the rest. */
const workMs = 600_000;

/** The scheduled expiry. It takes no input; it returns what it did. */
export const handler = middy()
  .use(withLogging(logger))
  .use(withMetrics(metrics))
  .use(withWarehouse(config, { secretsManager, applicationName: 'starlift-expire' }))
  .handler(async (_event: unknown, { database }: DatabaseContext): Promise<Expiry> => {
    const startedAt = performance.now();
    // The ledger of a warehouse that another stage loads says nothing of these objects: it is refused here.
    await readyWarehouse(database);
    return database.withClient((warehouse) =>
      expireOnSchedule({
        readModel: async () => (await readPublished({ isFresh: true })).model,
        ...{ ingested, processed, warehouse, warehouseSchema, expireAfter, logger, metrics },
        now: () => new Date(Date.now()),
        hasTime: () => performance.now() - startedAt < workMs,
      }),
    );
  });
