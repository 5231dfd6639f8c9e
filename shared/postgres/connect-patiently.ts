import { setTimeout as delay } from 'node:timers/promises';
import { toPipelineError } from '../classify-error.ts';
import { TransientError } from '../errors.ts';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Connects, and tries again for a while where that can help: a server that has no connection free (53300), that is
 * starting or being replaced, whose password is being rotated. A message survives five deliveries, and such a moment
 * should not cost one; that many wait for the same server is why the pauses are of random length.
 *
 * @param attempt is given the number of attempts that have failed
 * @throws {TransientError} it is still so when the patience is over
 * @throws {TerminalError} trying again cannot help
 */
export async function connectPatiently<T>(
  attempt: (failedAttempts: number) => Promise<T>,
  patienceMs: number,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (let failed = 0; ; failed++) {
    try {
      return await attempt(failed);
    } catch (thrown) {
      const error = toPipelineError(thrown);
      const pauseMs = isStalePassword(thrown) && failed === 0 ? 0 : pauseAfter(failed);
      if (!(error instanceof TransientError) || Date.now() + pauseMs > deadline) throw error;
      await delay(pauseMs);
    }
  }
}

/** The secret that is fetched anew for the next attempt is the one to be tried at once. */
const isStalePassword = (error: unknown): boolean => (error as { code?: unknown }).code === '28P01';

const pauseAfter = (failed: number): number =>
  Math.min(firstPauseMs * 2 ** failed, longestPauseMs) * (0.5 + Math.random());
