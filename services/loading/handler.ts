import middy from '@middy/core';
import type { SQSRecord } from 'aws-lambda';
import { shareAwsClients } from '../../shared/aws-clients.ts';
import { makeNotify } from '../../shared/events.ts';
import { type ReportDeps, reportFailure, tell } from '../../shared/handler/report-failure.ts';
import { handleRecords } from '../../shared/handler/sqs-records.ts';
import { type DatabaseContext, withDatabase } from '../../shared/handler/with-database.ts';
import { withLogging } from '../../shared/handler/with-logging.ts';
import { withMetrics } from '../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../shared/logger.ts';
import { makeTableMetrics } from '../../shared/metrics.ts';
import { formatObjectKey } from '../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { parseObjectCreated } from '../../shared/queue/object-created.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { readConfig } from './config.ts';
import { loadMessage } from './load-message.ts';
import { makeRunRecordReader } from './plan-records.ts';
import { makeReadyWarehouse } from './ready-warehouse.ts';
import { tellOfReleases } from './tell-of-releases.ts';

const { processedBucket, warehouseSchema: schema, foreignKeys, stage, ...config } = readConfig();
const { s3, sqs, secretsManager, eventBridge } = shareAwsClients(config);
const logger = makeLogger('load');
const metrics = makeTableMetrics(stage);
const report: ReportDeps = { queue: 'load', logger, notify: makeNotify(eventBridge, stage) };
const ingested = makeObjectStore(s3, config.ingestedBucket);
const readyWarehouse = makeReadyWarehouse(starSchema, { schema, foreignKeys, ingested });
const deps = {
  processedBucket,
  processed: makeObjectStore(s3, processedBucket),
  model: starSchema,
  schema,
  readRun: makeRunRecordReader(ingested),
};

async function handleRecord(record: SQSRecord, { database }: DatabaseContext): Promise<void> {
  // The bucket's own test of its notifications comes at the deploy, when the secret may not be filled in yet.
  if (parseObjectCreated(record.body).length === 0) return;
  const refused = await readyWarehouse(database);
  for (const { key, releases, ...counts } of await loadMessage(record, { ...deps, refused, database })) {
    const { table, run } = key;
    const object = formatObjectKey(key);
    logger.info('loaded', { run, table, key: object, ...counts });
    if (counts.outcome === 'loaded') metrics.add(table, { RowsLoaded: counts.rows });
    await tellOfReleases(releases, object, report);
    // Only a message that has been a dead letter says when it failed.
    if (record.messageAttributes.failedAt === undefined) continue;
    await tell({ type: 'Table Recovered', detail: { queue: report.queue, table, key: object } }, report);
  }
}

/** Takes messages of the load queue, each an event of the processed bucket. */
export const handler = middy(
  handleRecords(handleRecord, {
    sqs,
    queueUrl: config.loadQueueUrl,
    logger,
    onFailure: (failure) => reportFailure(failure, report),
  }),
)
  .use(withLogging(logger))
  .use(withMetrics(metrics))
  .use(
    withDatabase({
      secretsManager,
      sslmode: config.sslmode,
      secretId: config.warehouseSecretId,
      what: 'warehouse',
      applicationName: 'starlift-load',
      maxConnections: 2,
    }),
  );
