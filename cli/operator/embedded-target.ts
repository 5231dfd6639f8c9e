import { resolve } from 'node:path';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { deadLetterQueueName, type QueueKind } from '../../shared/queue/queue-settings.ts';
import { connect } from '../connect.ts';
import type { NamedDatabases } from '../embedded/bind.ts';
import { openStack } from '../embedded/open-stack.ts';
import { buckets, queueNames } from '../embedded/resources.ts';
import type { StackOptions } from '../embedded/stack.ts';
import { inspectDeadLetters, inspectQueue } from './inspect-queue.ts';
import type { OpenedTarget } from './target.ts';

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
