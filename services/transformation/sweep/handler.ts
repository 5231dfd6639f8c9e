import middy from '@middy/core';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { makeSweepFunction, runSweep } from '../../../shared/sweep/sweep-function.ts';
import { readConfig } from '../config.ts';
import { sweepIngested } from './sweep.ts';

const config = readConfig();
const { aws, logger, deps, notifyMoved } = makeSweepFunction(
  'transformation-sweep',
  'transform',
  config.transformQueueUrl,
  config,
);
const ingested = makeObjectStore(aws.s3, config.ingestedBucket);
const processed = makeObjectStore(aws.s3, config.processedBucket);
const readModel = makeModelReader(ingested);

/** The scheduled sweep of the ingested zone. It takes no input; it returns what it did. */
export const handler = middy()
  .use(withLogging(logger))
  .handler(() => {
    const sweep = async () =>
      sweepIngested({ ...deps, ingested, processed, model: (await readModel({ isFresh: true })).model });
    return runSweep({ notifyMoved, sweep }, logger);
  });
