import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { TransientError } from '../../shared/errors.ts';
import { assignXid } from './sql/assign-xid.ts';
import { selectIsFlushed } from './sql/select-is-flushed.ts';

const longestWaitMs = 30_000;
const patienceMs = 100;
const pollMs = 10;

/**
 * Waits until a crash of the source could not take back what was visible before this LSN: with
 * synchronous_commit off, rows are visible before they are durable, and a crash gives their xids to others.
 *
 * The WAL writer flushes up to the last commit, abort or full page. Records of an open transaction may wait behind
 * these for as long as the server is idle, so it is asked to go on when it does not by itself.
 *
 * @throws {TransientError} the log was not flushed in time
 */
export async function waitUntilFlushed(client: pg.ClientBase, lsn: string): Promise<void> {
  const startedAt = performance.now();
  let isAsked = false;
  while (!(await selectIsFlushed(client, lsn))) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > longestWaitMs) throw new TransientError(`the source has not flushed its log up to ${lsn}`);
    if (waitedMs > patienceMs && !isAsked) {
      await assignXid(client);
      isAsked = true;
    }
    await delay(pollMs);
  }
}
