import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { makeNotify } from '../../../shared/events.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName } from '../../../shared/queue/queue-settings.ts';
import { type MovedLettersDeps, notifyMovedLetters } from '../../../shared/sweep/notify-moved-letters.ts';
import { logMovedLetters } from '../../../shared/sweep/run-sweep.ts';
import { readConfig } from '../config.ts';
import { putFailureRecord } from '../failed-slices.ts';
import { makeSend } from '../send-messages.ts';
import { type ExpiredSlicesDeps, resendExpiredSlices } from './expired-slices.ts';

const config = readConfig();
const { s3, sqs, eventBridge } = shareAwsClients(config);
const logger = makeLogger('ingestion-sweep');
const ingested = makeObjectStore(s3, config.ingestedBucket);
const letters: MovedLettersDeps = {
  sqs,
  queue: 'extract',
  deadLetterUrl: deadLetterQueueName(config.extractQueueUrl),
  notify: makeNotify(eventBridge, config.stage),
  now: () => new Date(),
  record: (body, reason) => putFailureRecord(ingested, body, reason),
};

const expired: ExpiredSlicesDeps = {
  ingested,
  send: makeSend(sqs, config.extractQueueUrl),
  now: letters.now,
};

const shownSlices = 100;

/**
 * The scheduled sweep of the extract queue. It reports and records the messages whose function died, and sends slices
 * again whose messages expired before an extract took them. It takes no input; it returns what it did.
 */
export const handler = middy()
  .use(withLogging(logger))
  .handler(async (): Promise<{ told: number; sent: number }> => {
    // First: the second step knows by the record that a slice has failed.
    const told = await notifyMovedLetters(letters);
    logMovedLetters(told, logger);
    const slices = await resendExpiredSlices(expired);
    const sent = slices.length;
    if (sent > 0) {
      const shown = slices.slice(0, shownSlices);
      logger.warn('messages of slices had expired, and are sent again', { sent, slices: shown });
    }
    return { told, sent };
  });
