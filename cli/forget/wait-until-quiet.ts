import { setTimeout as delay } from 'node:timers/promises';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import type { Site } from '../site/site.ts';
import { countMessagesOf } from '../status/evidence/read-queues.ts';

const lookEveryMs = 250;
/** No invocation of a function takes longer, and what began to read an object before it was replaced has ended by then. */
const longestInvocationMs = 900_000;

export type QuietSite = Pick<Site, 'sqs' | 'queueUrl' | 'activity' | 'quietSeconds'>;

/**
 * Waits until all work that began before this call has ended: it may have read what is replaced now, and put it anew. What is
 * waiting on a queue has read nothing yet.
 *
 * @throws {Error} a message was in flight all the time
 */
export async function waitUntilQuiet(site: QuietSite, onWait: () => void = () => {}): Promise<void> {
  if (!site.activity.isRunning) return;
  const isStage = site.quietSeconds > 0;
  const began = performance.now();
  let quietSince: number | undefined;
  for (let look = 0; ; look++) {
    const counts = await Promise.all(queueKinds.map((kind) => countMessagesOf(site, site.queueUrl(kind))));
    const now = performance.now();
    quietSince = counts.every(({ inFlight }) => inFlight === 0) ? (quietSince ?? now) : undefined;
    if (quietSince !== undefined && now - quietSince >= 1000 * site.quietSeconds) return;
    if (now - began > longestInvocationMs) {
      if (isStage) return;
      throw new Error(
        'messages have been in flight for a quarter of an hour, and may have read what is to be forgotten: type the command again once the run is idle, or stop it first',
      );
    }
    if (look === 0) onWait();
    await delay(isStage ? 4 * lookEveryMs : lookEveryMs);
  }
}
