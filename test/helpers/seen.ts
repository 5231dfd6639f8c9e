import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Between two looks. */
const leastPauseMs = 15;

/**
 * Waits until something holds; looks every few milliseconds, and spends no more time on looks than on what it waits for. An
 * error of a look counts as not yet.
 *
 * @param seconds the deadline
 * @throws what the last look threw, or that it never held
 */
export async function seen(look: () => boolean | Promise<boolean>, seconds = 90): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const lookedAt = performance.now();
    try {
      if (await look()) return;
      if (Date.now() > deadline) throw new Error(`not seen within ${seconds} s: ${String(look)}`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await delay(Math.max(leastPauseMs, performance.now() - lookedAt));
  }
}

/**
 * Waits until a query has a row, asked on one connection: one for each look takes both sides 5 to 15 ms of CPU time. One
 * that is lost is made anew.
 *
 * @param url of the database, or what says it once it is known
 */
export async function seenRow(url: string | (() => string), sql: string): Promise<void> {
  let client: pg.Client | undefined;
  const open = async () => {
    const opened = new pg.Client(typeof url === 'string' ? url : url());
    opened.on('error', () => {});
    opened.once('end', () => {
      client = undefined;
    });
    await opened.connect();
    client = opened;
    return opened;
  };
  try {
    await seen(async () => (await (client ?? (await open())).query(sql)).rows.length > 0);
  } finally {
    await client?.end();
  }
}
