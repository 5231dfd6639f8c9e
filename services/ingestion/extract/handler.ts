import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { makeNotify } from '../../../shared/events.ts';
import { makeRetryNotes } from '../../../shared/handler/note-retries.ts';
import type { ReportDeps } from '../../../shared/handler/report-failure.ts';
import { handleRecords } from '../../../shared/handler/sqs-records.ts';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { type ExtractMessage, parseExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { makePutLayout } from '../../../shared/records/plan/layout.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { readConfig } from '../config.ts';
import { makeSend, nameSlice, recordFailure, recordRecovery } from '../extract-queue.ts';
import { findMask } from '../source/mask.ts';
import { type ExtractOutcome, extractSlice } from './extract-slice.ts';

const config = readConfig();
const logger = makeLogger('extract');
const metrics = makeTableMetrics(config.stage);
const { s3, sqs, secretsManager, eventBridge } = shareAwsClients(config);
const ingested = makeObjectStore(s3, config.ingestedBucket);
const readModel = makeModelReader(ingested);
const report: ReportDeps = {
  queue: 'extract',
  logger,
  notify: makeNotify(eventBridge, config.stage, ingested),
};
const failedSlices = { ingested, report };
const retries = makeRetryNotes('source', { ingested, ...report });
const deps = {
  ingested,
  putLayout: makePutLayout(ingested),
  send: makeSend(sqs, config.extractQueueUrl),
  schema: config.sourceSchema,
  restart: config.sourceRestart,
};

const handleBatch = handleRecords<DatabaseContext>(
  async (record, { database, readSecret }) => {
    const message = parseExtractMessage(record.body);
    const { run, slice, table } = message;
    const outcome = await extractInForce(message, { database, readSecret });
    logger.info('extracted', { run, slice, table, ...outcome });
    // The keys of a census are no rows.
    if (outcome.outcome === 'ingested' && message.census === undefined)
      metrics.add(table, { RowsExtracted: outcome.rows });
    await recordRecovery(record, message, failedSlices);
  },
  {
    sqs,
    queueUrl: config.extractQueueUrl,
    logger,
    longestWaitSeconds: config.longestWaitSeconds,
    onHandled: retries.onHandled,
    onFailure: async (failure) => {
      await retries.onFailure(nameSlice(failure));
      await recordFailure(failure, failedSlices);
    },
  },
);

/** Extracts by the model that is in force once the rows are read: another one may be published meanwhile. */
async function extractInForce(
  message: ExtractMessage,
  { database, readSecret }: Pick<DatabaseContext, 'database' | 'readSecret'>,
): Promise<ExtractOutcome> {
  let published = await readModel({ atLeast: message.model });
  for (;;) {
    const { model, number: modelNumber } = published;
    const isInForce = async () => (await readModel({ isFresh: true })).number === modelNumber;
    const outcome = await extractSlice(message, {
      ...deps,
      model,
      modelNumber,
      isInForce,
      database,
      findMask: (wantedId) => findMask(model, readSecret, wantedId),
    });
    if (outcome.outcome !== 'other model') return outcome;
    published = await readModel();
  }
}

/** Takes messages of the extract queue, each one slice of one table. */
export const handler = middy(handleBatch)
  .use(withLogging(logger))
  .use(withMetrics(metrics))
  .use(
    withDatabase({
      secretsManager,
      sslmode: config.sslmode,
      secretId: config.sourceSecretId,
      what: 'source',
      applicationName: 'starlift-extract',
      patienceMs: config.connectPatienceMs,
    }),
  );
