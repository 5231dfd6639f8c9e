import type pg from 'pg';
import { checkContinuity, describeGap, rememberLedger } from '../../shared/ledger/continuity.ts';
import { forwardResyncs } from '../../shared/ledger/resync.ts';
import type { Model } from '../../shared/model/model.ts';
import { isRunId, type RunId } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { listDropped } from '../../shared/records/dropped.ts';
import { makeResyncRequest, putResyncRequest } from '../../shared/records/plan/resync-request.ts';
import type { DataFolder } from '../embedded/machine/data-folder.ts';
import { queueNames } from '../embedded/resources.ts';
import type { Stack } from '../embedded/stack.ts';
import { sliceOf } from '../site/dead-letter.ts';
import { inspectQueue, listDeadLetters } from '../site/embedded/embedded-queues.ts';
import { listLoadedKeys } from '../site/ledger.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import { onceEvery } from './once-every.ts';
import { resumeWork } from './resume.ts';

// What a run remembers in the data folder and in the zones for the next one, and what it sends again.

const unfinishedFile = 'unfinished.json';
const throughFile = 'through.json';

/** A power loss must not take this note and leave messages that are sent after it unaccounted for. */
export const noteBegin = (folder: DataFolder): void =>
  folder.writeJsonDurably(unfinishedFile, { pid: process.pid });

/** Notes an orderly end: only once the queues are closed, for until then a power loss may take messages from their file. */
export const noteEnd = (folder: DataFolder): void => folder.writeJson(unfinishedFile, null);

/** After an orderly end the queues hold all work under way, unless their database was replaced since. */
export async function resumeWhatIsLost(
  stack: Stack,
  { model, warehouse }: { model: Model; warehouse: pg.Client },
  terminal: Terminal,
): Promise<void> {
  const { cloud, folder } = stack;
  const isUnfinished = (folder.readJson(unfinishedFile) ?? null) !== null;
  if (!isUnfinished && cloud.areQueuesAccountedFor()) return;
  const sent = await sendMissing(stack, model, warehouse);
  // A run that dies before this sends it once more.
  cloud.noteQueuesAccountedFor();
  const count = `${formatCount(sent)} ${sent === 1 ? 'message' : 'messages'} sent again`;
  if (isUnfinished) terminal.info(`The last run ended unexpectedly: carrying on (${count}).`);
  else if (sent > 0) terminal.info(`The queues of ${folder.path} are new: carrying on (${count}).`);
}

/** Sends again all work that is on no queue and has reached no later step. @returns the number of messages */
export async function sendMissing(stack: Stack, model: Model, warehouse: pg.Client): Promise<number> {
  const { cloud, folder, clients } = stack;
  const dead = await listDeadLetters(cloud.endpoint);
  const queued = await inspectQueue(cloud.endpoint, cloud.queueUrl(queueNames.extract));
  const extracts = [...queued, ...dead.filter(({ queue }) => queue === 'extract')];
  return resumeWork(
    {
      ingested: stack.ingested,
      processed: stack.processed,
      loadedKeys: await listLoadedKeys(warehouse),
      deadKeys: new Set([...dead.flatMap(({ key }) => key ?? []), ...(await listDropped(stack.ingested))]),
      queuedSlices: extracts.flatMap(({ body }) => sliceOf(body) ?? []),
      throughRun: readThrough(folder),
      model,
    },
    {
      sqs: clients.sqs,
      extractQueueUrl: cloud.queueUrl(queueNames.extract),
      transformQueueUrl: cloud.queueUrl(queueNames.transform),
      loadQueueUrl: cloud.queueUrl(queueNames.load),
    },
  );
}

const warnedFile = 'warned.json';

/** @returns the warnings that the last run on this folder did not give; they are remembered */
export function takeNewWarnings(folder: DataFolder, warnings: readonly string[]): string[] {
  const known = readWarned(folder);
  const isSame = known.length === warnings.length && warnings.every((warning) => known.includes(warning));
  if (!isSame) folder.writeJson(warnedFile, warnings);
  return warnings.filter((warning) => !known.includes(warning));
}

function readWarned(folder: DataFolder): string[] {
  try {
    const known: unknown = folder.readJson(warnedFile);
    return Array.isArray(known) ? known.map(String) : [];
  } catch (error) {
    // A file that a power loss left empty costs a warning that is given twice.
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** Runs may follow each other in less than a second, and a run that carries on looks back for an hour more. */
const noteEveryMs = 60_000;

/**
 * Makes the function that notes in the folder that the queues were empty after a run, with its failures recorded.
 * Without the note, a run that carries on reads the records of all runs that no sweep has looked at.
 */
export const makeNoteDrained = (folder: DataFolder): ((run: RunId) => void) =>
  onceEvery(noteEveryMs, (run: RunId) => folder.writeJson(throughFile, { run }), { first: 'at once' });

/** @returns undefined when unknown: a file that a power loss left empty must not stop a run */
function readThrough(folder: DataFolder): RunId | undefined {
  try {
    const { run } = Object(folder.readJson(throughFile)) as { run?: unknown };
    return typeof run === 'string' && isRunId(run) ? run : undefined;
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

export interface ContinuityDeps {
  ingested: ObjectStore;
  /** The one in force. */
  model(): Model;
  /** Sends every object of any age again that the ledger lacks; returns how many. */
  sendMissing(): Promise<number>;
  info(line: string): void;
}

/**
 * Makes the check that the warehouse still has what was loaded. If it has gone back, for example by a restore, the
 * missing objects are sent again and the next plan reads the source in full; otherwise its state is remembered.
 *
 * @returns the check, which may be called any number of times, with any connection to the warehouse
 */
export function makeContinuityCheck(deps: ContinuityDeps): (warehouse: pg.ClientBase) => Promise<void> {
  const { ingested, sendMissing, info } = deps;
  let resentFor: string | undefined;
  return async (warehouse) => {
    if ((await forwardResyncs(warehouse, ingested)) > 0) {
      info(
        'The warehouse kept its rows and lost its ledger (schema starlift): the next plan reads the source in full.',
      );
    }
    const continuity = await checkContinuity(warehouse, ingested);
    const { gap, known } = continuity;
    // Objects that are sent again get new ids, so the remembered entry never returns.
    if (gap === undefined || known?.etag === resentFor) {
      await rememberLedger(warehouse, ingested, continuity, deps.model());
      return;
    }
    const description = describeGap(gap);
    await putResyncRequest(ingested, makeResyncRequest(description, new Date()));
    const sent = await sendMissing();
    resentFor = known?.etag;
    info(
      `${description.replace(/^t/, 'T')} (restored from a backup?). ` +
        `${sent === 1 ? '1 object is' : `${sent} objects are`} sent again, and the next plan reads the source in full.`,
    );
  };
}
