import type { Logger } from '@aws-lambda-powertools/logger';
import type { SweepResult } from './sweep-zone.ts';

const shownKeys = 100;

/** Functions do not die at every receive every day either. */
export function logTold(told: number, logger: Pick<Logger, 'warn'>): void {
  if (told > 0) logger.warn('the queue had moved messages by itself: they are told of now', { told });
}

/** A sweep that found something is worth a look: events do not get lost every day. */
export function logSweep(
  { objects, sent, isBlind }: SweepResult,
  logger: Pick<Logger, 'info' | 'warn'>,
): void {
  const counts = { objects, sent: sent.length };
  if (isBlind) logger.warn('too many dead letters to tell lost objects from them: nothing was sent', counts);
  else if (sent.length === 0) logger.info('nothing was lost', counts);
  else logger.warn('events were lost, and are sent again', { ...counts, keys: sent.slice(0, shownKeys) });
}
