import middy from '@middy/core';
import { makeNotify } from '../../../shared/events.ts';
import { noteAnswer } from '../../../shared/handler/note-retries.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import type { Model } from '../../../shared/model/model.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName } from '../../../shared/queue/queue-settings.ts';
import { readOutage } from '../../../shared/records/outages.ts';
import { readPlanAttempts } from '../../../shared/records/plan/plan-attempts.ts';
import { readPublishedModel } from '../../../shared/records/published-model.ts';
import { settleLetters } from '../../../shared/sweep/settle-letters.ts';
import { logMovedLetters, makeSweepFunction } from '../../../shared/sweep/sweep-function.ts';
import { countMessages } from '../../../shared/sweep/sweep-zone.ts';
import { readConfig } from '../config.ts';
import { makeSend, putFailureRecord } from '../extract-queue.ts';
import { type ExpiredSlicesDeps, resendExpiredSlices } from './lost-slices.ts';
import { areSettled, settleFailedRecords } from './settled-slices.ts';

const config = readConfig();
const { aws, logger, deps, notifyMoved } = makeSweepFunction(
  'ingestion-sweep',
  'extract',
  config.extractQueueUrl,
  config,
);
const ingested = makeObjectStore(aws.s3, config.ingestedBucket);
const expired: Omit<ExpiredSlicesDeps, 'model'> = {
  ingested,
  countQueued: () => countMessages({ sqs: aws.sqs, queueUrl: config.extractQueueUrl }),
  send: makeSend(aws.sqs, config.extractQueueUrl),
  now: deps.now,
};

const notify = makeNotify(aws.eventBridge, config.stage);

async function settle(model: Model | undefined): Promise<number> {
  const letters = await settleLetters({
    sqs: aws.sqs,
    deadLetterUrl: deadLetterQueueName(config.extractQueueUrl),
    queue: 'extract',
    notify,
    areSettled: (held) => areSettled(ingested, held, model),
  });
  return letters + (await settleFailedRecords(ingested, model));
}

/** The function that noted an outage may have died; a plan that has succeeded since shows that the source answers. */
async function endOutage(): Promise<void> {
  const outage = await readOutage(ingested, 'source');
  const succeeded = (await readPlanAttempts(ingested))?.succeeded?.at;
  if (outage === undefined || succeeded === undefined || succeeded < outage.since) return;
  await noteAnswer('source', { ingested, logger, notify });
}

const shownSlices = 100;

/**
 * The scheduled sweep of the extract queue. It reports and records the messages whose function died, and sends slices
 * again whose messages expired before an extract took them. It takes no input; it returns what it did.
 */
export const handler = middy()
  .use(withLogging(logger))
  .handler(async (): Promise<{ reported: number; sent: number }> => {
    // First, because the second step learns from the record that a slice has failed.
    const reported = await notifyMoved((body, reason) => putFailureRecord(ingested, body, reason));
    logMovedLetters(reported, logger);
    const model = (await readPublishedModel(ingested))?.model;
    const slices = await resendExpiredSlices({ ...expired, model });
    const settled = await settle(model);
    if (settled > 0) logger.info('failures with nothing left to do were deleted', { settled });
    await endOutage();
    const sent = slices.length;
    if (sent > 0) {
      const shown = slices.slice(0, shownSlices);
      logger.warn('messages of slices had expired, and are sent again', { sent, slices: shown });
    }
    return { reported, sent };
  });
