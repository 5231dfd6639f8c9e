import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import type { PlannedRun } from '../../../shared/records/run-record.ts';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { readConfig } from '../config.ts';
import { makeSend } from '../extract-queue.ts';
import { planRun } from './plan-run.ts';

const config = readConfig();
const logger = makeLogger('plan');
const { s3, sqs, secretsManager } = shareAwsClients(config);
const deps = {
  ingested: makeObjectStore(s3, config.ingestedBucket),
  send: makeSend(sqs, config.extractQueueUrl),
  model: starSchema,
  schema: config.sourceSchema,
  restart: config.sourceRestart,
  now: () => new Date(),
};

/** The scheduled plan. It takes no input; it returns what it planned. */
export const handler = middy()
  .use(withLogging(logger))
  .use(
    withDatabase({
      secretsManager,
      sslmode: config.sslmode,
      secretId: config.sourceSecretId,
      what: 'source',
      applicationName: 'starlift-plan',
      maxConnections: 2,
    }),
  )
  .handler(async (_event: unknown, { database }: DatabaseContext): Promise<PlannedRun> => {
    const planned = await planRun({ ...deps, database });
    const { run, slices, failures, warnings } = planned;
    logger.info('planned', { run, slices: slices.length, failures, warnings });
    return planned;
  });
