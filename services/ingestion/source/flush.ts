import { setTimeout as delay } from 'node:timers/promises';
import { TransientError } from '../../../shared/errors.ts';
import { quoteLiteral } from '../../../shared/postgres/identifier.ts';
import type { Aurora } from './log.ts';
import type { WalPosition } from './snapshot.ts';
import type { Statements } from './statements.ts';

const longestWaitMs = 30_000;
const pollMs = 10;

/**
 * Waits until a crash of the source can no longer undo what was visible at this position. A standby has replayed from a log
 * that was flushed.
 *
 * Aurora does not say how far its log is durable. Its storage takes the log in its order, by a quorum, and a commit is answered
 * when it and all before it is durable: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.Reliability.html.
 * So one more commit is made, and waited for.
 *
 * @throws {TransientError} the log was not flushed in time
 */
export async function waitUntilDurable(
  source: Statements,
  { insertLsn }: WalPosition,
  aurora: Aurora | undefined,
): Promise<void> {
  if (aurora !== undefined) await requestFlush(source);
  else if (insertLsn !== null) await waitUntilFlushed(source, insertLsn);
}

/**
 * Waits until a crash of the source can no longer undo what was visible before this LSN: with
 * synchronous_commit off, rows are visible before they are durable, and a crash gives their xids to others.
 *
 * On a busy server other commits flush the log all the time. On an idle one the WAL writer is slow to do it, and never
 * does it for the records of an open transaction, or of a page that was pruned while it was read, as long as nothing
 * follows them. So the server is asked to flush, at the cost of one small commit.
 *
 * @throws {TransientError} the log was not flushed in time
 */
async function waitUntilFlushed(source: Statements, lsn: string): Promise<void> {
  if (await isFlushed(source, lsn)) return;
  await requestFlush(source);
  const startedAt = performance.now();
  while (!(await isFlushed(source, lsn))) {
    if (performance.now() - startedAt > longestWaitMs)
      throw new TransientError(`the source has not flushed its log up to ${lsn}`);
    await delay(pollMs);
  }
}

/** Whether the log up to this LSN would survive a crash. On a primary only. */
async function isFlushed(source: Statements, lsn: string): Promise<boolean> {
  const { rows } = await source.query<{ flushed: boolean }>(
    `
    select pg_current_wal_flush_lsn() >= ${quoteLiteral(lsn)}::pg_lsn as flushed`,
  );
  return rows[0]?.flushed === true;
}

/** A role may lack the right to call pg_logical_emit_message, and Aurora may want another wal_level for it. */
const refusals = ['42501', '0A000', '55000'];

async function requestFlush(source: Statements): Promise<void> {
  try {
    await commitMessage(source);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (!refusals.includes(String(code))) throw error;
    await wakeWalWriter(source);
  }
}

/**
 * Makes the server flush its log before this returns, because a commit that wrote to the log waits for the flush. The
 * message in the log has no reader, and no table is touched.
 *
 * `local`: a commit that waited for a synchronous standby as well would wait for a host that may be down.
 */
async function commitMessage(source: Statements): Promise<void> {
  await source.query(`
    set local synchronous_commit = local;
    select pg_logical_emit_message(true, 'starlift', '')`);
}

/**
 * Needs no right at all: a transaction that has an xid and has written nothing. Its commit record wakes the WAL writer,
 * which then flushes the log in its own time.
 */
async function wakeWalWriter(source: Statements): Promise<void> {
  await source.query('select pg_current_xact_id()');
}
