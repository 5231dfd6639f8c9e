import middy from '@middy/core';
import { makeNotify } from '../../../shared/events.ts';
import { noteAnswer } from '../../../shared/handler/note-retries.ts';
import type { DatabaseContext } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { describeGap } from '../../../shared/ledger/continuity.ts';
import { settleRebuilds } from '../../../shared/ledger/rebuild.ts';
import type { Model } from '../../../shared/model/model.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { deadLetterQueueName } from '../../../shared/queue/queue-settings.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { settleLetters } from '../../../shared/sweep/settle-letters.ts';
import { makeSweepFunction, runSweep } from '../../../shared/sweep/sweep-function.ts';
import { sendDueCensuses } from '../census/due.ts';
import { readConfig } from '../config.ts';
import { makeReadyWarehouse } from '../ready-warehouse.ts';
import { withWarehouse } from '../with-warehouse.ts';
import { areLoaded } from './settled-letters.ts';
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
const readModel = makeModelReader(ingested);
const readyWarehouse = makeReadyWarehouse({
  schema,
  foreignKeys,
  ingested,
  readModel: () => readModel({ isFresh: true }),
  stage: config.stage,
});

const notify = makeNotify(aws.eventBridge, config.stage);

/** One queue after the other; the letters that are left are visible again before the next sweep. */
async function settle(database: Pick<Database, 'withClient'>, model: Model): Promise<number> {
  let settled = 0;
  const urls = { transform: config.transformQueueUrl, load: config.loadQueueUrl };
  for (const queue of ['transform', 'load'] as const) {
    settled += await settleLetters({
      sqs: aws.sqs,
      deadLetterUrl: deadLetterQueueName(urls[queue]),
      queue,
      notify,
      areSettled: (letters) => database.withClient((client) => areLoaded(client, model, letters)),
    });
  }
  return settled;
}

/** The scheduled sweep of the processed zone, and of the dead letters whose work is done. It takes no input; it returns what it did. */
export const handler = middy()
  .use(withLogging(logger))
  .use(withWarehouse(config, { secretsManager: aws.secretsManager, applicationName: 'starlift-sweep' }))
  .handler((_event: unknown, { database }: DatabaseContext) => {
    // Dead letters are read without the warehouse, so they are reported even if it cannot be reached.
    const sweep = async () => {
      const { model } = await readyWarehouse(database);
      await noteAnswer('warehouse', { ingested, logger, notify });
      await database.withClient((client) => settleRebuilds(client, { ingested, processed, model }));
      const result = await sweepProcessed({ ...deps, ingested, processed, model, database });
      const due = { sqs: aws.sqs, loadQueueUrl: config.loadQueueUrl, processedBucket, schema };
      const censuses = await database.withClient((client) => sendDueCensuses(client, due));
      if (censuses > 0) logger.info('censuses are applied again, because older rows came in', { censuses });
      const settled = await settle(database, model);
      if (settled > 0) logger.info('dead letters whose objects are loaded were deleted', { settled });
      if (result.gap !== undefined) logger.warn(describeGap(result.gap), { sent: result.sent.length });
      return result;
    };
    return runSweep({ notifyMoved, sweep }, logger);
  });
