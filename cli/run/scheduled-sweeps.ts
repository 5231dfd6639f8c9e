import { queueKinds } from '../../shared/queue/queue-settings.ts';
import type { Services } from '../embedded/services.ts';

/** As services/stages.yml has it for a deployed stage. */
const everyMs = 15 * 60 * 1000;

/**
 * Makes the function that runs the three sweeps where a quarter of an hour has passed since they ran last, or since
 * this was made, and does nothing otherwise.
 *
 * @param now milliseconds
 */
export function makeScheduledSweeps(
  services: Pick<Services, 'sweep'>,
  now: () => number = Date.now,
): () => Promise<void> {
  let dueAt = now() + everyMs;
  return async () => {
    if (now() < dueAt) return;
    dueAt = now() + everyMs;
    for (const kind of queueKinds) await services.sweep(kind);
  };
}
