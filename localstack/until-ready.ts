import { setTimeout as delay } from 'node:timers/promises';

const deadlineMs = 60_000;

/**
 * Waits until LocalStack says that it is ready.
 *
 * @see https://docs.localstack.cloud/references/init-hooks/
 * @throws {Error} it has ended, or a minute is over
 */
export async function untilReady(endpoint: string, isRunning: () => boolean): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await isReady(endpoint))) {
    if (!isRunning()) throw new Error('LocalStack has ended');
    if (Date.now() > deadline) throw new Error(`LocalStack was not ready within ${deadlineMs / 1000} s`);
    await delay(200);
  }
}

/** Waits until nothing answers any more, or the signal aborts. */
export async function untilSilent(endpoint: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isReady(endpoint))) await delay(100);
}

async function isReady(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/_localstack/init`, { signal: AbortSignal.timeout(2000) });
    const { completed } = (await response.json()) as { completed?: { READY?: boolean } };
    return completed?.READY === true;
  } catch {
    // Not listening yet.
    return false;
  }
}
