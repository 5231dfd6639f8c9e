import middy from '@middy/core';
import type { SQSRecord } from 'aws-lambda';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { makeNotify } from '../../../shared/events.ts';
import { handleEachObject } from '../../../shared/handler/each-object.ts';
import { makeRetryNotes } from '../../../shared/handler/note-retries.ts';
import { notifyOrLog, type ReportDeps, reportFailure } from '../../../shared/handler/report-failure.ts';
import { handleRecords } from '../../../shared/handler/sqs-records.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';
import { type IngestedKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { parseLeastRevision } from '../../../shared/queue/least-revision.ts';
import { parseModelReplay } from '../../../shared/queue/model-replay.ts';
import { type ObjectReference, parseObjectCreated } from '../../../shared/queue/object-created.ts';
import { makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { makeModelReader, type PublishedModel } from '../../../shared/records/published-model.ts';
import { readConfig } from '../config.ts';
import { type TransformOptions, type TransformResult, transformObject } from './transform.ts';

const config = readConfig();
const aws = shareAwsClients(config);
const logger = makeLogger('transformation');
const metrics = makeTableMetrics(config.stage);
const ingested = makeObjectStore(aws.s3, config.ingestedBucket);
const notify = makeNotify(aws.eventBridge, config.stage, ingested);
const report: ReportDeps = { queue: 'transform', logger, notify };

const readModel = makeModelReader(ingested);
const retries = makeRetryNotes(undefined, { ingested, ...report });
const deps = {
  ingested,
  readLayout: makeReadLayout(ingested),
  processed: makeObjectStore(aws.s3, config.processedBucket),
  notify,
  warn: (message: string, detail: Record<string, unknown>) => logger.warn(message, detail),
};

/** Takes messages of the transform queue, each an event of the ingested bucket. */
export const handler = middy(
  handleRecords(handleRecord, {
    sqs: aws.sqs,
    queueUrl: config.transformQueueUrl,
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
  .use(withMetrics(metrics));

async function handleRecord({ body, messageAttributes }: SQSRecord): Promise<void> {
  const replay = messageAttributes.replay?.stringValue;
  const leastRevision = parseLeastRevision(messageAttributes.leastRevision?.stringValue);
  const references = parseObjectCreated(body);
  // S3 tests a bucket's notifications when the stage is deployed, before it has a model.
  if (references.length === 0) return;
  const atLeast = parseModelReplay(replay);
  const results = await handleEachObject(
    references,
    (reference) => transform(parseIngestedKey(reference), { leastRevision, replay }, atLeast),
    subjectOf,
  );
  for (const { key, tables, isUnknown } of results) {
    if (isUnknown) logger.info('its table is not in the model any more', { key });
    else logger.info('transformed', { key, tables });
    for (const { table, rows, quarantined, outcome } of tables) {
      // A census has no rows of the table.
      if (outcome === 'already there' || parseObjectKey(key).census !== undefined) continue;
      metrics.add(table, { RowsTransformed: rows, ...(quarantined > 0 && { RowsQuarantined: quarantined }) });
    }
    // Only a redriven message carries the time of its failure.
    if (messageAttributes.failedAt === undefined) continue;
    const { table } = parseObjectKey(key);
    await notifyOrLog({ type: 'Table Recovered', detail: { queue: report.queue, table, key } }, report);
  }
}

/**
 * That a later model than this process knows has made an object shows only when it is read, or by a table that is new. A table
 * that has left the model keeps what is ingested, and its messages are done.
 */
async function transform(
  key: IngestedKey,
  options: TransformOptions,
  atLeast: number | undefined,
): Promise<TransformResult> {
  const known = await readModel({ atLeast });
  const transformBy = ({ model, number }: PublishedModel) =>
    transformObject(key, { ...deps, model, modelNumber: number }, options);
  let result = await transformBy(known);
  if (result.isUnknown) result = await transformBy(await readModel({ isFresh: true }));
  const { laterModel } = result;
  if (laterModel === undefined) return result;
  const later = await readModel({ atLeast: laterModel });
  // The pointer is right, even where it has a lower number.
  return transformBy({ ...later, number: Math.max(later.number, laterModel) });
}

function parseIngestedKey({ bucket, key }: ObjectReference): IngestedKey {
  if (bucket !== config.ingestedBucket)
    throw new TerminalError(`the event is from another bucket, ${bucket}`, { key });
  const parsed = parseObjectKey(key);
  if (parsed.zone !== 'ingested') throw new TerminalError('not the key of an ingested object', { key });
  return parsed;
}

/** The first part of a key is its table, even if the rest is malformed. */
function subjectOf({ key }: ObjectReference): { key: string; table?: string } {
  const [table] = key.split('/');
  return table === undefined || table === key ? { key } : { key, table };
}
