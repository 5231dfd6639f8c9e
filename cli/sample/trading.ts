import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { TerminalError } from '../../shared/errors.ts';
import { makeClientSettings } from '../../shared/postgres/client-settings.ts';
import { secretOfUrl } from '../database/database-url.ts';
import { type Change, planChange } from './changes.ts';
import { RowRandom } from './random.ts';

export interface TradingOptions {
  /** At most; each change waits for the one before. 3 when left out. */
  changesPerSecond?: number;
  /** The same seed makes the same changes in the same order. 1 when left out. */
  seed?: number;
  /** Told of every change that failed; the next one is made over a new connection. */
  onError?: (error: unknown) => void;
}

/**
 * Lets a sample shop go on trading in the background until it is stopped: new orders with their transactions
 * and payments, payments that become paid, edits of the small tables, edits that leave last_updated alone,
 * and orders that are rolled back. Times are now, in UTC.
 *
 * @returns stop, which is done when the last change has ended and the connection is closed
 * @throws {TerminalError} the changes per second are not above 0
 */
export function startTrading(
  url: string,
  { changesPerSecond = 3, seed = 1, onError = () => {} }: TradingOptions,
): { stop(): Promise<void> } {
  if (!(changesPerSecond > 0))
    throw new TerminalError(`changes per second must be above 0, and are ${changesPerSecond}`);
  const stopping = new AbortController();
  const trading = trade(url, { pauseMs: 1000 / changesPerSecond, seed, onError, signal: stopping.signal });
  return {
    stop: async () => {
      stopping.abort();
      await trading;
    },
  };
}

interface Trade {
  pauseMs: number;
  seed: number;
  onError: (error: unknown) => void;
  signal: AbortSignal;
}

async function trade(url: string, { pauseMs, seed, onError, signal }: Trade): Promise<void> {
  const random = new RowRandom(seed, 'trading');
  let client: pg.Client | undefined;
  for (let number = 1; !signal.aborted; number++) {
    try {
      client ??= await connect(url);
      await makeChange(client, planChange(random.at(number)));
    } catch (error) {
      onError(error);
      await client?.end().catch(() => {});
      client = undefined;
    }
    await wait(pauseMs, undefined, { signal }).catch(() => {});
  }
  await client?.end();
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(makeClientSettings(secretOfUrl('the URL', url), 'starlift sample shop'));
  // Without a listener a lost idle connection ends the process. The next change fails and tells.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function makeChange(client: pg.Client, { sql, values, kept }: Change): Promise<void> {
  await client.query(`begin; set local timezone to 'UTC'; set local statement_timeout = '10s'`);
  await client.query(sql, values);
  await client.query(kept ? 'commit' : 'rollback');
}
