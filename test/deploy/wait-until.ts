import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks until the answer is neither false nor undefined, and returns it.
 *
 * @throws {Error} it was not so within the seconds; names what was awaited
 */
export async function waitUntil<T>(
  what: string,
  seconds: number,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`within ${seconds} s it was not so that ${what}`);
    await delay(250);
  }
}
