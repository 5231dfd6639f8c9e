import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until something holds; looks every few milliseconds. An error of a look counts as not yet.
 *
 * @param seconds the deadline
 * @throws what the last look threw, or that it never held
 */
export async function seen(look: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      if (await look()) return;
      if (Date.now() > deadline) throw new Error(`not seen within ${seconds} s: ${String(look)}`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await delay(15);
  }
}
