import { resolve } from 'node:path';
import type pg from 'pg';
import { sendDueCensuses } from '../../../services/loading/census/due.ts';
import { countWaiting } from '../../../shared/ledger/count-waiting.ts';
import { assembleModel, type Model } from '../../../shared/model/model.ts';
import { hasAny, makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName, type QueueKind } from '../../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { readPublishedModel } from '../../../shared/records/published-model.ts';
import { readRememberedModel } from '../../configuration/remembered.ts';
import { connect } from '../../database/connect.ts';
import { hidePassword, type NamedDatabases } from '../../database/database-url.ts';
import { buckets, defaultFolder, queueNames } from '../../embedded/resources.ts';
import type { Services } from '../../embedded/services.ts';
import { type OpenedStack, openStack, type Stack, type StackOptions } from '../../embedded/stack.ts';
import { quoteForShell } from '../../terminal/wording.ts';
import type { Activity } from '../activity.ts';
import type { DeadLetter } from '../dead-letter.ts';
import { countLoaded, readClock } from '../ledger.ts';
import type { OpenedSite, RunnableSite, Site } from '../site.ts';
import {
  countMessages,
  hasDeadLetters,
  inspectDeadLetters,
  inspectQueue,
  isDrained,
} from './embedded-queues.ts';
import { assertDataFolder, readActivity } from './running-note.ts';

const accountId = '000000000000';

/**
 * Opens a data folder's stack: the one that runs on it, else one without services for as long as it is needed.
 *
 * @param loadModel finds the model where none is published yet
 * @param given the URLs that are known by options alone
 * @throws {UsageError | StackError} there is no such folder, or its stack cannot be started
 */
export async function openEmbeddedSite(
  { loadModel, ...options }: StackOptions & { loadModel(): Promise<Model> },
  given: NamedDatabases = {},
): Promise<OpenedSite> {
  assertDataFolder(options.data);
  const activity = readActivity(options.data);
  const stack = await openStack(options);
  try {
    // Of a folder of an older version only S3 knows; before the first run nothing is published.
    const known = readRememberedModel(options.data);
    const ingested = makeObjectStore(stack.clients.s3, buckets.ingested);
    const model =
      known === undefined
        ? ((await readPublishedModel(ingested))?.model ?? (await loadModel()))
        : assembleModel(known);
    const site = makeSite({ ...stack, model }, dataSelector(options.data, given), activity);
    return { ...site, release: stack.release };
  } catch (error) {
    await stack.release();
    throw error;
  }
}

/** A stack with its services at work. */
export interface WorkingStack {
  stack: Stack;
  /** Another one once another is published. */
  model: Model;
  services: Services;
  /** Another one after a reconnect. */
  warehouse: pg.Client;
  warehouseSchema: string;
  /** Up to when reports have counted what was loaded, by the warehouse's clock. */
  countedUntil: string;
  /** Notes that the queues were empty after a run. */
  noteDrained(run: string): void;
}

/** The embedded stack for one run: its queues count exactly, so that the run is done when they are empty. */
export function makeEmbeddedSite(working: WorkingStack): RunnableSite {
  const { stack, services, warehouseSchema } = working;
  const { cloud, clients, folder, sourceUrl, shopUrl, warehouseUrl } = stack;
  const opened = {
    model: working.model,
    endpoint: cloud.endpoint,
    clients,
    sourceUrl: shopUrl ?? sourceUrl,
    warehouseUrl,
  };
  // The folder remembers the databases of a run.
  const site = makeSite(opened, dataSelector(folder.path), {
    isRunning: true,
    pid: process.pid,
    endedUnexpectedly: false,
    everySeconds: undefined,
  });
  return {
    ...site,
    warehouseSchema,
    get model() {
      return working.model;
    },
    get warehouse() {
      return working.warehouse;
    },
    plan: async () => (await services.plan()) as PlannedRun,
    isDone: async () => isDrained(cloud),
    sendDue: () =>
      sendDueCensuses(working.warehouse, {
        sqs: site.sqs,
        loadQueueUrl: site.queueUrl('load'),
        processedBucket: buckets.processed,
        schema: warehouseSchema,
      }),
    needsPlan: makeReplan(() => countMessages(cloud)),
    countDone: () => services.countDone(),
    isHeldUp: () => services.isHeldUp(),
    lookEveryMs: 5,
    countLoaded: () => countLoaded(working.warehouse, working.countedUntil),
    endReport: async () => {
      working.countedUntil = await readClock(working.warehouse);
    },
    noteDrained: working.noteDrained,
    countWaiting: () => countWaiting(working.warehouse, working.model, warehouseSchema),
    listDeadLetters: () => listReportedLetters(site, working),
  };
}

function makeSite(
  { endpoint, clients, sourceUrl, warehouseUrl, model }: Omit<OpenedStack, 'release'> & { model: Model },
  selector: string,
  activity: Activity,
): Site {
  const queueUrl = (kind: QueueKind) => `${endpoint}/${accountId}/${queueNames[kind]}`;
  const deadLetterUrl = (kind: QueueKind) => deadLetterQueueName(queueUrl(kind));
  return {
    model,
    sqs: clients.sqs,
    ingested: makeObjectStore(clients.s3, buckets.ingested),
    processed: makeObjectStore(clients.s3, buckets.processed),
    queueUrl,
    deadLetterUrl,
    connectWarehouse: () => connect(warehouseUrl, 'warehouse'),
    warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
    connectSource: () => connect(sourceUrl, 'source'),
    listDeadLetters: () => inspectDeadLetters(endpoint, deadLetterUrl),
    receiveWaitSeconds: 0,
    quietSeconds: 0,
    oldestSentAt: async (url) => {
      const sent = (await inspectQueue(endpoint, url)).map(({ sentAt }) => sentAt.getTime());
      return sent.length === 0 ? undefined : new Date(Math.min(...sent));
    },
    activity,
    selector,
    takenBy: 'The next run takes them; a run that watches does so at once.',
  };
}

/**
 * Runs the sweeps of the queues that have left dead letters, without waiting for the schedule: they report a letter that SQS
 * moved by itself, and delete those whose work is done since.
 */
async function listReportedLetters(
  site: Site,
  { stack, services }: Pick<WorkingStack, 'stack' | 'services'>,
): Promise<DeadLetter[]> {
  const hasRecords = await hasAny(site.ingested, 'failed/');
  if (!hasRecords && !hasDeadLetters(stack.cloud)) return [];
  const letters = await site.listDeadLetters();
  const left = new Set(letters.map(({ queue }) => queue));
  if (hasRecords || left.has('extract')) await services.sweep('extract');
  if (letters.some(({ queue, isMoved }) => queue === 'transform' && isMoved))
    await services.sweep('transform');
  // The ledger says which letters of the transform queue are settled.
  if (left.has('transform') || left.has('load')) await services.sweep('load');
  return left.size === 0 ? [] : site.listDeadLetters();
}

/** Longer than a slice takes, and before a message is tried for the third time, 12 s after the first. */
const firstQuietMs = 5_000;

/**
 * Says when to plan once more during a run: when no message has come or gone for a while, each time twice as long as
 * before.
 *
 * A stage's schedule plans every few minutes in any case. Slices that were planned on a source that has since become
 * another server, for example by a restart, wait for that plan: without it, all of them would become dead letters.
 *
 * @param count the messages that are in the queues
 */
export function makeReplan(count: () => number, now: () => number = () => performance.now()): () => boolean {
  let counted = count();
  let since = now();
  let quietMs = firstQuietMs;
  return () => {
    const current = count();
    if (current !== counted) {
      counted = current;
      since = now();
    }
    if (now() - since < quietMs) return false;
    since = now();
    quietMs *= 2;
    return true;
  };
}

/**
 * What the user adds to a command for it to work on this folder; empty for the default.
 *
 * @param given databases of the user's own that nothing but an option names. Their passwords are left out: libpq's
 * places have them.
 */
export const dataSelector = (data: string, given: NamedDatabases = {}): string =>
  [
    ...(resolve(data) === resolve(defaultFolder) ? [] : [` --data ${quoteForShell(data)}`]),
    ...(['source', 'warehouse'] as const).flatMap((side) => {
      const url = given[side];
      return url === undefined ? [] : [` --${side} ${quoteForShell(hidePassword(`--${side}`, url))}`];
    }),
  ].join('');
