import { toPipelineError } from '../../../shared/classify-error.ts';
import { TerminalError } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  formatFailedKey,
  formatFailedPrefix,
  formatRunPrefix,
  parseObjectKey,
  type RunId,
  sweptRunsKey,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { mainRetentionSeconds, planTimeoutSeconds } from '../../../shared/queue/queue-settings.ts';
import { listDropped } from '../../../shared/records/dropped.ts';
import { parseJsonRecord } from '../../../shared/records/json-record.ts';
import { type CaptureState, readCaptureState } from '../../../shared/records/plan/capture-state.ts';
import { addEmpty, listEmptySlices } from '../../../shared/records/plan/empty-slices.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import {
  isOverridden,
  listRunRecords,
  listRuns,
  type PlannedRun,
  type PlannedSlice,
  readRunRecord,
  unpackMessage,
} from '../../../shared/records/plan/run-record.ts';
import {
  isAccountedFor,
  type KnownSlices,
  makeKnownSlices,
  plannedSliceOf,
} from '../../../shared/records/plan/slices.ts';
import { listRetriedKeys } from '../../../shared/sweep/retried-messages.ts';

export interface ExpiredSlicesDeps {
  ingested: Pick<ObjectStore, 'get' | 'put' | 'list' | 'delete'>;
  /** Messages on the extract queue, in flight and delayed included. */
  countQueued: () => Promise<number>;
  /** Puts the messages on the extract queue. */
  send: (messages: readonly ExtractMessage[]) => Promise<void>;
  /** The one in force; undefined where none is published. */
  model: Model | undefined;
  now: () => Date;
}

/**
 * Sends slices again whose messages expired before any extract took them. The capture state calls their rows captured,
 * so no later plan finds them.
 *
 * A sweep checks each run once, as soon as the queue can no longer hold any of its messages, and once more after slices
 * of it were sent again, when those messages are gone as well. A message that is sent needlessly changes nothing.
 *
 * @returns the slices that were sent, as `<run>-<slice>`
 * @throws {TransientError} S3 or SQS does not answer; the next sweep does the rest
 * @throws {TerminalError} a run's record is not what a plan writes
 */
export async function resendExpiredSlices(deps: ExpiredSlicesDeps): Promise<string[]> {
  const { ingested, send, model, now } = deps;
  try {
    const retried = await listRetried(deps);
    let swept = await readSweptRuns(ingested);
    const runs = await listDueRuns(ingested, swept, now());
    if (runs.length === 0) return [];
    const state = (await readCaptureState(ingested))?.state;
    const sent: ExtractMessage[] = [];
    for (const run of runs) {
      const lost = (await findLostMessages(ingested, run, state)).filter(({ table }) =>
        isWanted(table, model),
      );
      const messages = lost.filter(({ slice }) => !retried.has(formatFailedKey(run, slice)));
      // Copies of a message live on, and may be lost later: such a run is checked once more.
      swept = markSwept(swept, run, lost.length > 0 ? now() : undefined);
      if (messages.length === 0) continue;
      await send(messages);
      sent.push(...messages);
      // Written for each run, so that a sweep that runs out of time does not send its slices once more.
      await writeSweptRuns(ingested, swept);
    }
    await writeSweptRuns(ingested, swept);
    return sent.map(({ run, slice }) => `${run}-${slice}`);
  } catch (error) {
    throw toPipelineError(error);
  }
}

/** What has left the model is read in full if it comes back. */
const isWanted = (table: string, model: Model | undefined): boolean =>
  model === undefined || model.sources.some(({ name }) => name === table);

/** The slices that are being retried, each as the key of its record of failure. */
async function listRetried({ ingested, countQueued, now }: ExpiredSlicesDeps): Promise<ReadonlySet<string>> {
  return listRetriedKeys({
    ingested,
    queue: 'extract',
    queued: await countQueued(),
    // Whether it is done is asked of the runs below, by their objects.
    isDone: () => false,
    now: now(),
  });
}

/** The content of `state/swept-runs.json`: which runs sweeps have checked. */
export interface SweptRuns {
  version: 1;
  /** Sweeps have checked the runs up to this one. */
  until?: RunId;
  /** Runs whose slices were sent again: a sweep checks them once more when those messages are gone as well. */
  again: { run: RunId; sentAt: string }[];
}

/** A sweep asks S3 a dozen times for each run, and its function has a time limit. */
const maxRuns = 500;
/** A plan writes its record first, and may go on sending until its function times out. */
const goneAfterMs = 1000 * (mainRetentionSeconds + planTimeoutSeconds);

/**
 * Reads which runs sweeps have checked; none before the first sweep.
 *
 * @throws {TerminalError} the record is not what a sweep writes
 */
export async function readSweptRuns(ingested: Pick<ObjectStore, 'get'>): Promise<SweptRuns> {
  const object = await ingested.get(sweptRunsKey);
  if (object === undefined) return { version: 1, again: [] };
  const malformed = (cause?: unknown) =>
    new TerminalError(
      `${sweptRunsKey} is not what Starlift writes. Delete it: the next sweep checks all runs`,
      {
        key: sweptRunsKey,
        cause,
      },
    );
  const swept = parseJsonRecord(object.body, (_, cause) => malformed(cause));
  if (swept.version !== 1 || !Array.isArray(swept.again)) throw malformed();
  return swept as unknown as SweptRuns;
}

const writeSweptRuns = (ingested: Pick<ObjectStore, 'put'>, swept: SweptRuns): Promise<void> =>
  ingested.put(sweptRunsKey, Buffer.from(JSON.stringify(swept)));

/** The runs to check: the queue can no longer hold any of their messages. */
async function listDueRuns(
  ingested: Pick<ObjectStore, 'list'>,
  { until, again }: SweptRuns,
  now: Date,
): Promise<RunId[]> {
  const gone = new Date(now.getTime() - goneAfterMs);
  const runs = again.filter(({ sentAt }) => Date.parse(sentAt) < gone.getTime()).map(({ run }) => run);
  for await (const { run, putAt } of listRunRecords(ingested, until)) {
    // What was put in the future was put before the clock was set back: how long ago nobody knows.
    const isRecent = putAt >= gone && putAt <= now;
    if (isRecent || runs.length >= maxRuns) break;
    runs.push(run);
  }
  return runs;
}

/**
 * All runs that sweeps have not settled yet, of any age: for when the queue has lost its messages.
 *
 * @param after the runs up to this one are settled as well; undefined when unknown
 */
export async function listUnsettledRuns(
  ingested: Pick<ObjectStore, 'list'>,
  { until, again }: SweptRuns,
  after: RunId | undefined,
): Promise<RunId[]> {
  const runs = again.map(({ run }) => run);
  const last = [until, after].reduce((one, other) => ((one ?? '') > (other ?? '') ? one : other));
  for await (const run of listRuns(ingested, last)) runs.push(run);
  return runs;
}

/** @param sentAt when slices of the run were sent again; undefined when none were */
function markSwept(swept: SweptRuns, run: RunId, sentAt: Date | undefined): SweptRuns {
  const others = swept.again.filter((each) => each.run !== run);
  return {
    version: 1,
    until: swept.until === undefined || run > swept.until ? run : swept.until,
    again: sentAt === undefined ? others : [...others, { run, sentAt: sentAt.toISOString() }],
  };
}

/**
 * The messages of a run's slices that have neither an object nor a record of a failure (an operator redrives those).
 *
 * None if the run's rows are planned again: under another generation, or by a plan, perhaps a future one, that begins
 * where this one began.
 *
 * @param state the current one; undefined if there is none
 * @param accounted slices that are known to be accounted for; by default the objects of the run are listed
 * @throws {TerminalError} the run's record is not what a plan writes
 */
export async function findLostMessages(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  run: RunId,
  state: Pick<CaptureState, 'generation' | 'plannedAt'> | undefined,
  accounted?: KnownSlices,
): Promise<ExtractMessage[]> {
  const record = await readRunRecord(ingested, run);
  const messages = record?.messages;
  if (record === undefined || messages === undefined) return [];
  const { generation, since } = record;
  if (generation !== state?.generation || since === state.plannedAt) return [];
  const lost = await findLostSlices(ingested, record, accounted ?? (await listIngested(ingested, record)));
  if (lost.length === 0 || (await isOverridden(ingested, record))) return [];
  return lost.map((slice) => unpackMessage({ run, generation, messages }, slice));
}

async function findLostSlices(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
  known: KnownSlices,
): Promise<PlannedSlice[]> {
  const isLost = ({ table, slice }: PlannedSlice): boolean => !isAccountedFor(known, table, { run, slice });
  const missing = slices.filter(isLost);
  if (missing.length === 0) return [];
  for (const key of await listDropped(ingested)) {
    const { zone, table, ...dropped } = parseObjectKey(key);
    if (zone === 'ingested' && dropped.run === run) known.add(table, dropped);
  }
  await addFailed(ingested, { run, slices: missing }, known);
  await addWithoutNews(ingested, { run, slices: missing }, known);
  return missing.filter(isLost);
}

async function listIngested(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
): Promise<KnownSlices> {
  const known = makeKnownSlices();
  const tables = [...new Set(slices.map(({ table }) => table))];
  await Promise.all(tables.map((table) => addIngested(ingested, { run, table }, known)));
  return known;
}

async function addIngested(
  ingested: Pick<ObjectStore, 'list'>,
  { run, table }: { run: string; table: string },
  known: KnownSlices,
): Promise<void> {
  for await (const { key } of ingested.list(formatRunPrefix(table, run))) {
    known.add(table, parseObjectKey(key));
  }
}

async function addWithoutNews(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
  known: KnownSlices,
): Promise<void> {
  const tables = new Map(slices.map(({ slice, table }) => [slice, table]));
  for await (const { slice } of listEmptySlices(ingested, { run })) {
    const table = tables.get(plannedSliceOf(slice));
    if (table !== undefined) addEmpty(known, table, [{ run, slice }]);
  }
}

async function addFailed(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
  known: KnownSlices,
): Promise<void> {
  const tables = new Map(slices.map(({ slice, table }) => [slice, table]));
  const suffix = '.json';
  const prefix = formatFailedPrefix(run);
  for await (const { key } of ingested.list(prefix)) {
    const slice = key.slice(prefix.length, -suffix.length);
    const table = tables.get(plannedSliceOf(slice));
    if (table !== undefined) known.add(table, { run, slice });
  }
}
