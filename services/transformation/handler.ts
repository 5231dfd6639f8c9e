import middy from '@middy/core';
import type { Context, SQSRecord } from 'aws-lambda';
import { shareAwsClients } from '../../shared/aws-clients.ts';
import { makeNotify } from '../../shared/events.ts';
import { type ReportDeps, reportFailure, tell } from '../../shared/handler/report-failure.ts';
import { handleRecords } from '../../shared/handler/sqs-records.ts';
import { withLogging } from '../../shared/handler/with-logging.ts';
import { withMetrics } from '../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../shared/logger.ts';
import { makeTableMetrics } from '../../shared/metrics.ts';
import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { readConfig } from './config.ts';
import { transformMessage } from './transform-message.ts';

const config = readConfig();
const aws = shareAwsClients(config);
const logger = makeLogger('transformation');
const metrics = makeTableMetrics(config.stage);
const notify = makeNotify(aws.eventBridge, config.stage);
const report: ReportDeps = { queue: 'transform', logger, notify };

const deps = {
  ingestedBucket: config.ingestedBucket,
  ingested: makeObjectStore(aws.s3, config.ingestedBucket),
  processed: makeObjectStore(aws.s3, config.processedBucket),
  model: starSchema,
  notify,
  warn: (message: string, detail: Record<string, unknown>) => logger.warn(message, detail),
};

async function handleRecord(record: SQSRecord, _context: Context): Promise<void> {
  for (const { key, tables } of await transformMessage(record, deps)) {
    logger.info('transformed', { key, tables });
    for (const { table, rows, quarantined, outcome } of tables) {
      if (outcome === 'already there') continue;
      metrics.add(table, { RowsTransformed: rows, ...(quarantined > 0 && { RowsQuarantined: quarantined }) });
    }
    // Only a message that has been a dead letter says when it failed.
    if (record.messageAttributes.failedAt === undefined) continue;
    const { table } = parseObjectKey(key);
    await tell({ type: 'Table Recovered', detail: { queue: report.queue, table, key } }, report);
  }
}

export const handler = middy(
  handleRecords(handleRecord, {
    sqs: aws.sqs,
    queueUrl: config.transformQueueUrl,
    logger,
    onFailure: (failure) => reportFailure(failure, report),
  }),
)
  .use(withLogging(logger))
  .use(withMetrics(metrics));
