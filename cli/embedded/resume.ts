import type { SQSClient } from '@aws-sdk/client-sqs';
import { formatObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { findLost, isTransformed, knowProcessed } from '../../shared/sweep/find-lost.ts';
import { listTables } from '../../shared/sweep/list-tables.ts';
import { sendAgain } from '../../shared/sweep/send-again.ts';

export interface ResumeDeps {
  ingested: ObjectStore;
  processed: ObjectStore;
  sqs: SQSClient;
  transformQueueUrl: string;
  loadQueueUrl: string;
  /** Keys of the objects that the warehouse has loaded. */
  loadedKeys: ReadonlySet<string>;
  /** Keys of dead-lettered objects: an operator sends those again, when they are mended. */
  deadKeys: ReadonlySet<string>;
  model: StarSchema;
}

/** The greatest that a Date can be: nobody is at work, so no object is on its way. */
const anyAge = new Date(8.64e15);

/**
 * After a kill: sends again what is ingested without processed, or processed without a ledger row, as the scheduled
 * sweep does, at once and whatever its age.
 *
 * What is on a queue already is sent twice by this, which changes nothing.
 *
 * @returns how many objects were sent again
 */
export async function resumeWork(deps: ResumeDeps): Promise<number> {
  const { ingested, processed, sqs, model, loadedKeys, deadKeys } = deps;
  const ingestedObjects = await listTables(
    ingested,
    model.sources.map(({ name }) => name),
  );
  const processedObjects = await listTables(
    processed,
    model.tables.map(({ name }) => name),
  );
  const made = knowProcessed(processedObjects);
  const facts = { deadKeys, before: anyAge, queued: 0 };
  const untransformed = findLost(ingestedObjects, {
    ...facts,
    isFollowed: (key) => isTransformed(key, made, model),
  });
  const unloaded = findLost(processedObjects, {
    ...facts,
    isFollowed: (key) => loadedKeys.has(formatObjectKey(key)),
  });
  await sendAgain(sqs, deps.transformQueueUrl, ingested.bucket, untransformed);
  await sendAgain(sqs, deps.loadQueueUrl, processed.bucket, unloaded);
  return untransformed.length + unloaded.length;
}
