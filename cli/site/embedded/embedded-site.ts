import { resolve } from 'node:path';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName, type QueueKind } from '../../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../../shared/records/run-record.ts';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { countWaiting } from '../../../shared/warehouse/count-waiting.ts';
import { connect } from '../../database/connect.ts';
import type { NamedDatabases } from '../../embedded/bind.ts';
import { openStack } from '../../embedded/open-stack.ts';
import { buckets, queueNames } from '../../embedded/resources.ts';
import type { StackOptions } from '../../embedded/stack.ts';
import { listFailures } from '../../failures/list-failures.ts';
import type { Pipeline } from '../../run/pipeline.ts';
import type { DeadLetter } from '../dead-letter.ts';
import { countLoaded, readClock } from '../ledger.ts';
import type { OpenedTarget, RunSite } from '../site.ts';
import {
  countMessages,
  hasDeadLetters,
  inspectDeadLetters,
  inspectQueue,
  isDrained,
  listDeadLetters,
} from './embedded-queues.ts';

export const defaultFolder = '.starlift';
const accountId = '000000000000';

/**
 * Opens a data folder's stack: the one that runs on it, else one without services for as long as it is needed.
 *
 * @throws {UsageError | StackError} the folder's stack cannot be started
 */
export async function openEmbeddedTarget(options: StackOptions): Promise<OpenedTarget> {
  const { endpoint, clients, sourceUrl, warehouseUrl, release } = await openStack(options);
  const queueUrl = (kind: QueueKind) => `${endpoint}/${accountId}/${queueNames[kind]}`;
  const deadLetterUrl = (kind: QueueKind) => deadLetterQueueName(queueUrl(kind));
  return {
    sqs: clients.sqs,
    ingested: makeObjectStore(clients.s3, buckets.ingested),
    processed: makeObjectStore(clients.s3, buckets.processed),
    queueUrl,
    deadLetterUrl,
    warehouse: () => connect(warehouseUrl, 'warehouse'),
    warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
    source: () => connect(sourceUrl, 'source'),
    listDeadLetters: () => inspectDeadLetters(endpoint, deadLetterUrl),
    receiveWaitSeconds: 0,
    oldestSentAt: async (url) => {
      const sent = (await inspectQueue(endpoint, url)).map(({ sentAt }) => sentAt.getTime());
      return sent.length === 0 ? undefined : new Date(Math.min(...sent));
    },
    selector: dataSelector(options.data, options),
    takenBy: 'The next run takes them; a run that watches does so at once.',
    release,
  };
}

/**
 * What the user adds to a command for it to work on this folder; empty for the default.
 *
 * @param named databases of the user's own. Their URLs may hold passwords, and are for the user to put in.
 */
export const dataSelector = (data: string, { source, warehouse }: NamedDatabases = {}): string =>
  [
    ...(resolve(data) === resolve(defaultFolder) ? [] : [` --data ${quoteForShell(data)}`]),
    ...(source === undefined ? [] : [' --source URL']),
    ...(warehouse === undefined ? [] : [' --warehouse URL']),
  ].join('');

const quoteForShell = (text: string): string =>
  /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The embedded stack as a run sees it: its queues count exactly, so that it is done when they are empty. */
export function makeEmbeddedSite(pipeline: Pipeline): RunSite {
  const { stack, services, warehouseSchema } = pipeline;
  return {
    ingested: stack.ingested,
    processed: stack.processed,
    // Another one after a reconnect.
    get warehouse() {
      return pipeline.warehouse;
    },
    warehouseSchema,
    selector: dataSelector(stack.folder.path, stack.named),
    connectWarehouse: () => connect(stack.warehouseUrl, 'warehouse'),
    plan: async () => (await services.plan()) as PlannedRun,
    isDone: async () => isDrained(stack.cloud),
    needsPlan: makeReplan(() => countMessages(stack.cloud)),
    lookEveryMs: 5,
    countLoaded: () => countLoaded(pipeline.warehouse, pipeline.countedUntil),
    endReport: async () => {
      pipeline.countedUntil = await readClock(pipeline.warehouse);
    },
    noteThrough: pipeline.noteThrough,
    countWaiting: () => countWaiting(pipeline.warehouse, starSchema, warehouseSchema),
    listDeadLetters: () =>
      listFailures({ ingested: stack.ingested, listDeadLetters: () => listTold(pipeline) }),
  };
}

/** What the queues have moved by themselves is told of at once, rather than by the next scheduled sweep. */
async function listTold({ stack, services }: Pipeline): Promise<DeadLetter[]> {
  if (!hasDeadLetters(stack.cloud)) return [];
  const { endpoint } = stack.cloud;
  const letters = await listDeadLetters(endpoint);
  const untold = new Set(letters.filter(({ isMoved }) => isMoved).map(({ queue }) => queue));
  if (untold.size === 0) return letters;
  for (const queue of untold) await services.sweep(queue);
  return listDeadLetters(endpoint);
}

/** Longer than a slice is on its way, and before a message is tried for the third time, 12 s after the first. */
const firstQuietMs = 5_000;

/**
 * Says when to plan once more in the middle of a run: where no message has come or gone for a while, each time twice as
 * long.
 *
 * A stage's schedule plans every few minutes, whatever else goes on. What was planned on a source that has become
 * another server since, as by a restart, waits for that plan: without one, all of it would be dead-lettered.
 *
 * @param count the messages that are in the queues
 */
export function makeReplan(count: () => number, now: () => number = Date.now): () => boolean {
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
