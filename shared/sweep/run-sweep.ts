import type { Logger } from '@aws-lambda-powertools/logger';
import { logSweep, logTold } from './log-sweep.ts';
import type { SweepResult } from './sweep-zone.ts';

/**
 * Runs the two parts of a sweep, one after the other, for both look at the dead letters: one in the hands of the first
 * would be no dead letter to the second. The second runs whatever becomes of the first.
 *
 * @throws what either part throws; the next sweep does the rest
 */
export async function runSweep(
  parts: { tell(): Promise<number>; sweep(): Promise<SweepResult> },
  logger: Pick<Logger, 'info' | 'warn'>,
): Promise<SweepResult & { told: number }> {
  const [telling] = await Promise.allSettled([parts.tell()]);
  const result = await parts.sweep();
  logSweep(result, logger);
  if (telling.status === 'rejected') throw telling.reason;
  logTold(telling.value, logger);
  return { ...result, told: telling.value };
}
