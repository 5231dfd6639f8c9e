import middy from '@middy/core';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { logMovedLetters, makeSweepFunction } from '../../../shared/sweep/sweep-function.ts';
import { readConfig } from '../config.ts';
import { makeSend, putFailureRecord } from '../extract-queue.ts';
import { type ExpiredSlicesDeps, resendExpiredSlices } from './lost-slices.ts';

const config = readConfig();
const { aws, logger, deps, notifyMoved } = makeSweepFunction(
  'ingestion-sweep',
  'extract',
  config.extractQueueUrl,
  config,
);
const ingested = makeObjectStore(aws.s3, config.ingestedBucket);
const expired: ExpiredSlicesDeps = {
  ingested,
  send: makeSend(aws.sqs, config.extractQueueUrl),
  now: deps.now,
};

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
    const slices = await resendExpiredSlices(expired);
    const sent = slices.length;
    if (sent > 0) {
      const shown = slices.slice(0, shownSlices);
      logger.warn('messages of slices had expired, and are sent again', { sent, slices: shown });
    }
    return { reported, sent };
  });
