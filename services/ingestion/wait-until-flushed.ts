import { setTimeout as delay } from 'node:timers/promises';
import { TransientError } from '../../shared/errors.ts';
import type { Statements } from './sql/plan-statements.ts';
import { assignXid, requestFlush } from './sql/request-flush.ts';
import { selectIsFlushed } from './sql/select-is-flushed.ts';

const longestWaitMs = 30_000;
const pollMs = 10;

/**
 * Waits until a crash of the source could not take back what was visible before this LSN: with
 * synchronous_commit off, rows are visible before they are durable, and a crash gives their xids to others.
 *
 * Others' commits flush the log all the time on a busy server. On an idle one the WAL writer takes up to 0.4 s, and
 * leaves the records of an open transaction, or of a page that was tidied up while it was read, for as long as
 * nothing follows them. So the server is asked, at the cost of one small commit.
 *
 * @throws {TransientError} the log was not flushed in time
 */
export async function waitUntilFlushed(source: Statements, lsn: string): Promise<void> {
  if (await selectIsFlushed(source, lsn)) return;
  await askForFlush(source);
  const startedAt = performance.now();
  while (!(await selectIsFlushed(source, lsn))) {
    if (performance.now() - startedAt > longestWaitMs)
      throw new TransientError(`the source has not flushed its log up to ${lsn}`);
    await delay(pollMs);
  }
}

async function askForFlush(source: Statements): Promise<void> {
  try {
    await requestFlush(source);
  } catch (error) {
    if ((error as { code?: unknown }).code !== '42501') throw error;
    await assignXid(source);
  }
}
