import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { type PipelineError, RefusedError } from '../../../shared/errors.ts';
import { makeNotify } from '../../../shared/events.ts';
import { makeOutageNotes, noteAnswer } from '../../../shared/handler/note-retries.ts';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { planAttemptsKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { notePlanAttempt } from '../../../shared/records/plan/plan-attempts.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { readConfig } from '../config.ts';
import { makeSend } from '../extract-queue.ts';
import { findMask } from '../source/mask.ts';
import { planRun } from './plan-run.ts';

const config = readConfig();
const logger = makeLogger('plan');
const { s3, sqs, secretsManager, eventBridge } = shareAwsClients(config);
const ingested = makeObjectStore(s3, config.ingestedBucket);
const readModel = makeModelReader(ingested);
const outageDeps = { ingested, logger, notify: makeNotify(eventBridge, config.stage) };
const outage = makeOutageNotes('source', outageDeps);
const deps = {
  ingested,
  send: makeSend(sqs, config.extractQueueUrl),
  schema: config.sourceSchema,
  restart: config.sourceRestart,
  now: () => new Date(),
  quiet: config.quiet,
  ...config.sizes,
  ...(config.censusFloorSeconds !== undefined && { censusFloorSeconds: config.censusFloorSeconds }),
};

/** The scheduled plan. A caller may give `{"isExact": true}`, to have every table looked at. It returns what it planned. */
export const handler = middy()
  .use(withLogging(logger))
  .use(
    withDatabase({
      secretsManager,
      sslmode: config.sslmode,
      secretId: config.sourceSecretId,
      what: 'source',
      applicationName: 'starlift-plan',
      patienceMs: config.connectPatienceMs,
      maxConnections: 2,
    }),
  )
  .handler(async (event: unknown, { database, readSecret }: DatabaseContext): Promise<PlannedRun> => {
    const attemptedAt = new Date();
    try {
      // No message tells a plan that another model is in force.
      const { model, number: modelNumber } = await readModel({ isFresh: true });
      const planned = await planRun({
        ...deps,
        model,
        modelNumber,
        database,
        isExact: Object(event).isExact === true,
        findMask: () => findMask(model, readSecret),
      });
      const { run, slices, failures, warnings } = planned;
      logger.info('planned', { run, slices: slices.length, failures, warnings });
      return await noteSuccess(attemptedAt, planned);
    } catch (thrown) {
      const error = toPipelineError(thrown);
      await noteFailure(attemptedAt, error);
      throw error;
    }
  });

/** The plan counts, whatever becomes of its notes. @returns the plan, with a warning where they could not be written */
async function noteSuccess(attemptedAt: Date, planned: PlannedRun): Promise<PlannedRun> {
  try {
    await notePlanAttempt(ingested, attemptedAt, planned);
    // Only a plan that is done ends an outage that began with a plan.
    await noteAnswer('source', { ...outageDeps, done: planAttemptsKey });
    return planned;
  } catch (cause) {
    logger.error('the plan is done, and could not be noted', { error: cause as Error });
    const { message } = toPipelineError(cause);
    const warning = `the run was planned, and ${planAttemptsKey} could not be written: ${message}. Until the next plan, status shows the attempt before this one`;
    return { ...planned, warnings: [...planned.warnings, warning] };
  }
}

/** Throws nothing: the plan's own error is what its caller has to see. */
async function noteFailure(attemptedAt: Date, error: PipelineError): Promise<void> {
  try {
    await notePlanAttempt(ingested, attemptedAt, { error });
    if (!(error instanceof RefusedError)) return;
    if (error.by === 'source') await outage.begin(error.message);
    // In the middle of its work, as by a full disk: the source answers all the while.
    if (error.by === 'database') await outage.begin(error.message, planAttemptsKey);
  } catch (cause) {
    logger.error('the failed attempt to plan could not be noted', { error: cause as Error });
  }
}
