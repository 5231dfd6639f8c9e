import type { PipelineError } from '../errors.ts';
import { TerminalError } from '../errors.ts';
import { maxReceiveCount } from './queue-settings.ts';

export type Verdict = { action: 'dead-letter' } | { action: 'retry'; visibilitySeconds: number };

const firstDelaySeconds = 2;
/**
 * The four delays add up to more than the five minutes between two plans: by then a source that has become another
 * server is planned anew, and what was planned on the old one is superseded rather than dead-lettered.
 */
const delayFactor = 5;
const longestDelaySeconds = 300;

/**
 * Decides what becomes of a message whose record handler failed.
 *
 * The last allowed receive dead-letters here rather than in SQS, so that the reason goes along.
 *
 * @param receiveCount SQS's ApproximateReceiveCount, 1 for the first delivery
 */
export function decideRetry(error: PipelineError, receiveCount: number): Verdict {
  if (error instanceof TerminalError || receiveCount >= maxReceiveCount) return { action: 'dead-letter' };
  const visibilitySeconds = Math.min(
    firstDelaySeconds * delayFactor ** (receiveCount - 1),
    longestDelaySeconds,
  );
  return { action: 'retry', visibilitySeconds };
}
