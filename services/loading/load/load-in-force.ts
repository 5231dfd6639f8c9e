import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Model } from '../../../shared/model/model.ts';
import { formatObjectKey, type ProcessedKey } from '../../../shared/object-store/object-key.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { formatLeastRevision } from '../../../shared/queue/least-revision.ts';
import { formatModelReplay } from '../../../shared/queue/model-replay.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { sendAll, textAttribute } from '../../../shared/queue/send-all.ts';
import type { PublishedModel, ReadModel } from '../../../shared/records/published-model.ts';
import { LaterModelError } from '../../../shared/warehouse/adopt-model.ts';
import type { makeReadyWarehouse } from '../ready-warehouse.ts';
import { type LoadDeps, type LoadOptions, type LoadResult, loadObject } from './load.ts';

export interface LoadInForceDeps
  extends Omit<LoadDeps, 'model' | 'modelNumber' | 'looked' | 'refused' | 'database'> {
  readModel: ReadModel;
  readyWarehouse: ReturnType<typeof makeReadyWarehouse>;
  sqs: Pick<SQSClient, 'send'>;
  transformQueueUrl: string;
  ingestedBucket: string;
}

/**
 * Loads an object by the model in force, which only the object or the warehouse may show to be a later one than this
 * process knows. An object of an older model that has other columns goes back to the transform: its rows come with another
 * object, and its own message is done. So is that of a table that has left the
 * model, such as one that was filled to take another's place, and has: that one's own object of the slice has the rows.
 *
 * @throws as `loadObject`, but for LaterModelError
 */
export async function loadInForce(
  key: ProcessedKey,
  database: Database,
  deps: LoadInForceDeps,
  options: LoadOptions,
): Promise<LoadResult> {
  let atLeast: number | undefined;
  for (;;) {
    const { model, number: modelNumber, refused, looked } = await deps.readyWarehouse(database, atLeast);
    try {
      const result = await loadObject(
        key,
        { ...deps, model, modelNumber, looked, refused, database },
        options,
      );
      if (result.outcome === 'not in the model') {
        if (await isNew(key, model, deps)) continue;
        const renamed = await findRenamed(key, deps);
        if (renamed !== undefined) await makeAnew({ ...key, table: renamed.table }, renamed.published, deps);
      }
      // The look is fresh: where numbers have begun anew, what this process knows would send the object round.
      if (result.outcome === 'outdated') await makeAnew(key, await deps.readModel({ isFresh: true }), deps);
      return result;
    } catch (error) {
      if (!(error instanceof LaterModelError)) throw error;
      atLeast = error.number;
    }
  }
}

/** Whether a later model than this process has worked by has the table. */
async function isNew(
  { table }: ProcessedKey,
  model: Model,
  { readModel }: Pick<LoadInForceDeps, 'readModel'>,
): Promise<boolean> {
  const published = await readModel({ isFresh: true });
  return published.model !== model && published.model.tables.some(({ name }) => name === table);
}

/** The table that has another name in the model in force. */
async function findRenamed(
  { table }: ProcessedKey,
  { readModel }: Pick<LoadInForceDeps, 'readModel'>,
): Promise<{ table: string; published: PublishedModel } | undefined> {
  const published = await readModel();
  const found = published.model.tables.find((each) => each.kind !== 'calendar' && each.was === table);
  return found && { table: found.name, published };
}

async function makeAnew(
  { table, run, slice, revision, census }: ProcessedKey,
  { model, number }: PublishedModel,
  { sqs, transformQueueUrl, ingestedBucket }: LoadInForceDeps,
): Promise<void> {
  const definition = model.tables.find(({ name }) => name === table);
  // It has left the model since: its ingested objects are kept.
  if (definition === undefined) return;
  if (definition.kind === 'calendar') throw new TypeError(`${table} is made of dates, not of a source`);
  const key = formatObjectKey({
    zone: 'ingested',
    table: definition.source.name,
    run,
    slice,
    ...(census !== undefined && { census }),
  });
  const body = formatObjectCreated({ bucket: ingestedBucket, key });
  const replay = textAttribute(formatModelReplay(number));
  const attributes = { replay, ...formatLeastRevision(revision + 1) };
  await sendAll(sqs, transformQueueUrl, [{ body, attributes }]);
}
