import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  findLostMessages,
  listUnsettledRuns,
  readSweptRuns,
} from '../../services/ingestion/sweep/lost-slices.ts';
import { readCensusRecord } from '../../shared/census/record.ts';
import { mapInGroups } from '../../shared/in-groups.ts';
import type { Model } from '../../shared/model/model.ts';
import {
  formatCensusFolder,
  formatFailedKey,
  formatObjectKey,
  formatRunId,
  formatTableFolder,
  parseObjectKey,
  type RunId,
  timeOfRun,
} from '../../shared/object-store/object-key.ts';
import { hasAny, type ListedObject, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatLeastRevision } from '../../shared/queue/least-revision.ts';
import { formatObjectCreated } from '../../shared/queue/object-created.ts';
import { type OutgoingMessage, sendAll, textAttribute } from '../../shared/queue/send-all.ts';
import { type CaptureState, readCaptureState } from '../../shared/records/plan/capture-state.ts';
import { formatExtractMessage } from '../../shared/records/plan/extract-message.ts';
import {
  type FollowedSlice,
  isAccountedFor,
  type KnownSlices,
  makeKnownSlices,
} from '../../shared/records/plan/slices.ts';
import { collectProcessed, findLost, isTransformed } from '../../shared/sweep/find-lost.ts';
import { sendAgain } from '../../shared/sweep/sweep-zone.ts';
import { listFailedRecords } from '../failures/failed-records.ts';
import { sliceOf } from '../site/dead-letter.ts';
import { tablesOf } from '../site/ledger.ts';

/** The facts before any service starts: no message or object is in flight unseen. */
export interface ResumeFacts {
  ingested: ObjectStore;
  processed: ObjectStore;
  /** Keys of the objects that the warehouse has loaded. */
  loadedKeys: ReadonlySet<string>;
  /** Keys of dead-lettered objects: an operator redrives those once the cause is fixed. */
  deadKeys: ReadonlySet<string>;
  /** Slices of the messages on the extract queue and among its dead letters. */
  queuedSlices: readonly FollowedSlice[];
  /** The last run after which the queues were seen empty. Those an hour older are not looked at. */
  throughRun?: RunId | undefined;
  model: Model;
}

export interface ResumeQueues {
  sqs: Pick<SQSClient, 'send'>;
  extractQueueUrl: string;
  transformQueueUrl: string;
  loadQueueUrl: string;
}

/** Work that may have no message on its way, by the queue that it belongs on. */
export interface LostWork {
  extracts: OutgoingMessage[];
  /** Ingested objects, each with the least revision that its processed ones may have. */
  transforms: { key: string; leastRevision: number }[];
  /** Keys of processed objects. */
  loads: string[];
}

/**
 * After a kill, or where the queues' database is new: sends again what the queues may have lost, as the scheduled sweeps
 * do, at once and of any age.
 *
 * @returns how many messages were sent
 */
export async function resumeWork(facts: ResumeFacts, queues: ResumeQueues): Promise<number> {
  const work = await findLostWork(facts);
  await sendLostWork(work, facts, queues);
  return work.extracts.length + work.transforms.length + work.loads.length;
}

/**
 * Finds the slices that have no object, no failure and no message; what is ingested and not processed; and what is
 * processed and not in the ledger. Of the latter two, what is on a queue already is found as well: sent twice, it
 * changes nothing.
 */
export async function findLostWork(facts: ResumeFacts): Promise<LostWork> {
  const { ingested, processed, model, loadedKeys, deadKeys } = facts;
  const ingestedObjects = await listZone(
    ingested,
    model.sources.map(({ name }) => name),
  );
  const processedObjects = await listZone(
    processed,
    model.tables.map(({ name }) => name),
  );
  const made = collectProcessed(processedObjects);
  const sweep = { deadKeys, before: anyAge, queued: 0 };
  const untransformed = findLost(ingestedObjects, {
    ...sweep,
    isFollowed: (key) => isTransformed(key, made, model),
  });
  const loads = findLost(processedObjects, {
    ...sweep,
    isFollowed: (key) => loadedKeys.has(formatObjectKey(key)),
  });
  const leastRevisionOf = untransformed.length === 0 ? () => 0 : nameRevisions(loadedKeys, model);
  return {
    extracts: await findLostExtracts(facts, ingestedObjects),
    transforms: untransformed.map((key) => ({ key, leastRevision: leastRevisionOf(key) })),
    loads,
  };
}

/**
 * The tables' objects of any age, censuses among them, in one listing of the zone. A first run asks too, and has none: two
 * listings for each table would be most of its requests.
 */
async function listZone(
  store: Pick<ObjectStore, 'list'>,
  tables: readonly string[],
): Promise<ListedObject[]> {
  const folders = tables.flatMap((table) => [formatTableFolder(table), formatCensusFolder(table)]);
  const objects: ListedObject[] = [];
  for await (const object of store.list('')) {
    if (folders.some((folder) => object.key.startsWith(folder))) objects.push(object);
  }
  return objects;
}

/** @throws {TransientError} a queue did not take all of it; the next run finds the rest */
export async function sendLostWork(
  { extracts, transforms, loads }: LostWork,
  { ingested, processed }: Pick<ResumeFacts, 'ingested' | 'processed'>,
  { sqs, extractQueueUrl, transformQueueUrl, loadQueueUrl }: ResumeQueues,
): Promise<void> {
  await sendAll(sqs, extractQueueUrl, extracts);
  await sendAll(
    sqs,
    transformQueueUrl,
    transforms.map(({ key, leastRevision }) => ({
      body: formatObjectCreated({ bucket: ingested.bucket, key }),
      attributes: formatLeastRevision(leastRevision),
    })),
  );
  await sendAgain(sqs, loadQueueUrl, processed.bucket, loads);
}

/** The latest possible Date: no service runs, so no object is in flight. */
const anyAge = new Date(8.64e15);

/**
 * A processed object that the ledger names and S3 has lost must not be made again under its name: it would not be loaded.
 */
function nameRevisions(loadedKeys: ReadonlySet<string>, model: Model): (key: string) => number {
  const greatest = new Map<string, number>();
  for (const text of loadedKeys) {
    const key = parseObjectKey(text);
    if (key.zone !== 'processed') continue;
    const id = `${key.table} ${key.run}-${key.slice}`;
    greatest.set(id, Math.max(greatest.get(id) ?? 0, key.revision));
  }
  return (text) => {
    const { table, run, slice } = parseObjectKey(text);
    const revisions = tablesOf(table, model).map((made) => greatest.get(`${made} ${run}-${slice}`) ?? -1);
    return Math.max(-1, ...revisions) + 1;
  };
}

async function findLostExtracts(
  { ingested, queuedSlices, throughRun, model }: ResumeFacts,
  objects: readonly ListedObject[],
): Promise<OutgoingMessage[]> {
  const accounted = makeKnownSlices();
  for (const { table, ...slice } of [...queuedSlices, ...slicesOf(objects)]) accounted.add(table, slice);
  // Before the others: these look for the records of failures, and count them as accounted for.
  const redriven = await findLostRedriven(ingested, accounted);
  const state = (await readCaptureState(ingested))?.state;
  // One in the future is of a clock that was set back since, and says nothing of the runs after it.
  const throughAt = throughRun === undefined ? Number.NaN : timeOfRun(throughRun).getTime();
  const through = throughAt <= Date.now() ? formatRunId(new Date(throughAt - againMs), '0000') : undefined;
  const runs = await listUnsettledRuns(ingested, await readSweptRuns(ingested), through);
  const messages = await mapInGroups(runs, concurrentRuns, (run) =>
    findLostMessages(ingested, run, state, accounted),
  );
  // What has left the model is read in full if it comes back.
  const wanted = messages.flat().filter(({ table }) => model.sources.some(({ name }) => name === table));
  const lost = wanted.map((message): OutgoingMessage => ({ body: formatExtractMessage(message) }));
  const censuses = await findLostCensuses(ingested, state, accounted);
  return [...redriven, ...lost, ...censuses];
}

/** A census that is under way keeps another one from being sent. */
async function findLostCensuses(
  ingested: ObjectStore,
  state: CaptureState | undefined,
  accounted: KnownSlices,
): Promise<OutgoingMessage[]> {
  const lost: OutgoingMessage[] = [];
  for (const [table, { sent }] of Object.entries(state?.censuses ?? {})) {
    if (sent === undefined || isAccountedFor(accounted, table, sent)) continue;
    if (await hasAny(ingested, formatFailedKey(sent.run, sent.slice))) continue;
    const record = await readCensusRecord(ingested, sent.run);
    const message = record?.messages.find(({ slice }) => slice === sent.slice);
    if (message !== undefined) lost.push({ body: formatExtractMessage(message) });
  }
  return lost;
}

const concurrentRuns = 16;
/** Far longer than the system delays writing an object to disk: a power loss can take such an object too. */
const againMs = 3_600_000;

/** A key that is not Starlift's is not a slice. */
function slicesOf(objects: readonly ListedObject[]): FollowedSlice[] {
  return objects.flatMap(({ key }) => {
    try {
      return [parseObjectKey(key)];
    } catch {
      return [];
    }
  });
}

/**
 * Failed extracts that an operator has sent again, and whose message the queue has lost. Their record says that they were sent
 * again, and such a record is not shown as a failure.
 */
async function findLostRedriven(ingested: ObjectStore, accounted: KnownSlices): Promise<OutgoingMessage[]> {
  return (await listFailedRecords(ingested))
    .filter(({ redrivenAt }) => redrivenAt !== undefined)
    .flatMap(({ body, failedAt }) => {
      const slice = sliceOf(body);
      if (slice === undefined || isAccountedFor(accounted, slice.table, slice)) return [];
      return [{ body, attributes: { failedAt: textAttribute(failedAt) } }];
    });
}
