import middy from '@middy/core';
import type { SQSRecord } from 'aws-lambda';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { readVerdict } from '../../../shared/census/verdict.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { makeNotify } from '../../../shared/events.ts';
import { handleEachObject } from '../../../shared/handler/each-object.ts';
import { makeRetryNotes } from '../../../shared/handler/note-retries.ts';
import { reportFailure } from '../../../shared/handler/report-failure.ts';
import { handleRecords } from '../../../shared/handler/sqs-records.ts';
import type { DatabaseContext } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';
import { type ProcessedKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { type ObjectReference, parseObjectCreated } from '../../../shared/queue/object-created.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { readConfig } from '../config.ts';
import { makeRunRecordReader } from '../initial-load/initial-load.ts';
import { makeReadyWarehouse } from '../ready-warehouse.ts';
import { withWarehouse } from '../with-warehouse.ts';
import { type LoadInForceDeps, loadInForce } from './load-in-force.ts';
import { type LoadReportDeps, reportLoad } from './report-load.ts';

const { processedBucket, warehouseSchema: schema, foreignKeys, stage, ...config } = readConfig();
const { s3, sqs, secretsManager, eventBridge } = shareAwsClients(config);
const logger = makeLogger('load');
const metrics = makeTableMetrics(stage);
const ingested = makeObjectStore(s3, config.ingestedBucket);
const notify = makeNotify(eventBridge, stage, ingested);
const report: LoadReportDeps = { queue: 'load', logger, metrics, notify };
const readModel = makeModelReader(ingested);
const readyWarehouse = makeReadyWarehouse({ schema, foreignKeys, ingested, readModel, stage });
const retries = makeRetryNotes('warehouse', { ingested, ...report });
const deps: LoadInForceDeps = {
  readModel,
  readyWarehouse,
  sqs,
  transformQueueUrl: config.transformQueueUrl,
  ingestedBucket: ingested.bucket,
  processed: makeObjectStore(s3, processedBucket),
  notify,
  schema,
  readRun: makeRunRecordReader(ingested),
  readVerdict: (census) => readVerdict(ingested, census),
};

/** Takes messages of the load queue, each an event of the processed bucket. */
export const handler = middy(
  handleRecords(handleRecord, {
    sqs,
    queueUrl: config.loadQueueUrl,
    logger,
    longestWaitSeconds: config.longestWaitSeconds,
    onHandled: retries.onHandled,
    onFailure: async (failure) => {
      await retries.onFailure(failure);
      await reportFailure(failure, report);
    },
  }),
)
  .use(withLogging(logger))
  .use(withMetrics(metrics))
  .use(withWarehouse(config, { secretsManager, applicationName: 'starlift-load', maxConnections: 2 }));

async function handleRecord(
  { body, messageAttributes }: SQSRecord,
  { database }: DatabaseContext,
): Promise<void> {
  const references = parseObjectCreated(body);
  // S3 tests a bucket's notifications when the stage is deployed, before the secret may have its values.
  if (references.length === 0) return;
  // First: a warehouse that refuses fails the message as a whole, and no object of it.
  await readyWarehouse(database);
  const replay = messageAttributes.replay?.stringValue;
  const results = await handleEachObject(references, async (reference) =>
    loadInForce(parseProcessedKey(reference), database, deps, { replay }),
  );
  // Only a redriven message carries the time of its failure.
  const wasDeadLetter = messageAttributes.failedAt !== undefined;
  for (const result of results) await reportLoad(result, wasDeadLetter, report);
}

function parseProcessedKey({ bucket, key }: ObjectReference): ProcessedKey {
  if (bucket !== processedBucket) {
    throw new TerminalError(`the event is from the bucket ${bucket}, not ${processedBucket}`, { key });
  }
  const parsed = parseObjectKey(key);
  if (parsed.zone !== 'processed') throw new TerminalError('not the key of a processed object', { key });
  return parsed;
}
