import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { numberVariable } from '../../../shared/environment.ts';
import { describeLock, findLockHolder, type LockableTable } from '../../../shared/postgres/lock-holder.ts';
import { cancelStatement } from '../../database/cancel-statement.ts';
import { withClient } from '../../database/with-client.ts';
import type { Site } from '../../site/site.ts';

/** What one part of the pipeline says, or why it says nothing. */
export type Answer<T> = { answered: true; value: T } | { answered: false; reason: string; isLocked: boolean };

/** In which every part is known to answer or not. */
const usualWaitSeconds = 3;
/** Of that, for what is done when one has not answered. */
const holderWithinMs = 500;
const reserveMs = 300;
/** Longer than it takes: what is not cancelled stays in the way. */
const cancelWithinMs = 2000;

/** Of a database: where a lock may be that keeps it from answering. */
export interface Lockable {
  side: 'source' | 'warehouse';
  tables: readonly LockableTable[];
}

type Clients = Record<'source' | 'warehouse', Set<pg.Client>>;

/**
 * Asks one part of the pipeline, and gives up when it does not answer in time. What was begun on a database is cancelled
 * there: a statement that waits for a lock would go on waiting after this process has ended, and be in the way itself.
 *
 * @param work is given the site whose connections are watched
 * @param lockable undefined for a part that is no database
 */
export async function askPart<T>(
  site: Site,
  work: (site: Site) => Promise<T>,
  lockable?: Lockable,
): Promise<Answer<T>> {
  const open: Clients = { source: new Set(), warehouse: new Set() };
  const waitMs = 1000 * (numberVariable('STATUS_WAIT_SECONDS') ?? usualWaitSeconds);
  const over = new AbortController();
  const watched = watchConnections(site, open, over.signal);
  // What the source says besides decides little, and must not be taken for the warehouse's silence.
  const besides =
    lockable?.side === 'source' ? undefined : setTimeout(() => cancelAll(open.source), waitMs / 3);
  const answer = work(watched).then(
    (value): Answer<T> => ({ answered: true, value }),
    (error: unknown): Answer<T> => ({ answered: false, reason: describeError(error), isLocked: false }),
  );
  const answerWithinMs = waitMs - holderWithinMs - reserveMs;
  const first = await Promise.race([answer, delay(answerWithinMs, undefined, { ref: false })]);
  clearTimeout(besides);
  if (first !== undefined) return first;
  over.abort();
  const holder = lockable && (await describeHolder(open, lockable, site));
  await Promise.all([cancelAll(open.source), cancelAll(open.warehouse)]);
  const reason = holder ?? `no answer in ${waitMs / 1000} s`;
  return { answered: false, reason, isLocked: holder !== undefined };
}

function watchConnections(site: Site, open: Clients, over: AbortSignal): Site {
  const watch = async (side: keyof Clients, connect: () => Promise<pg.Client>) => {
    const client = await connect();
    if (over.aborted) {
      client.end().catch(() => {});
      throw new Error(`the ${side} was connected to too late`);
    }
    open[side].add(client);
    client.once('end', () => open[side].delete(client));
    return client;
  };
  const { connectSource } = site;
  const watched: Site = { ...site, connectWarehouse: () => watch('warehouse', site.connectWarehouse) };
  if (connectSource !== undefined) watched.connectSource = () => watch('source', connectSource);
  return watched;
}

/** With the SQLSTATE, which an operator can look up. */
export function describeError(error: unknown): string {
  const {
    message,
    cause,
    code: own,
  } = error as { message?: unknown; code?: unknown; cause?: { code?: unknown } };
  const code = cause?.code ?? own;
  const text = String(message ?? error);
  const isState = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !text.includes(code);
  return isState ? `${text} (SQLSTATE ${code})` : text;
}

/** @returns undefined where nobody holds one of the tables, or that cannot be found out in time */
async function describeHolder(
  open: Clients,
  { side, tables }: Lockable,
  site: Site,
): Promise<string | undefined> {
  const connect = side === 'warehouse' ? site.connectWarehouse : site.connectSource;
  if (open[side].size === 0 || connect === undefined) return undefined;
  const find = () => withClient(connect(), (client) => findLockHolder(client, tables, 'AccessExclusiveLock'));
  const holder = await Promise.race([find().catch(() => undefined), delay(holderWithinMs, undefined)]);
  return holder && describeLock(holder);
}

const cancelAll = async (clients: ReadonlySet<pg.Client>): Promise<void> => {
  await Promise.all([...clients].map(giveUp));
};

/** Its own error or end says that the server has stopped. */
async function giveUp(client: pg.Client): Promise<void> {
  const stopped = cancelStatement(client).then(() => client.end());
  await Promise.race([stopped.catch(() => client.end().catch(() => {})), delay(cancelWithinMs)]);
}
