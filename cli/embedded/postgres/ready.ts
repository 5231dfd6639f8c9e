import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { makeClientSettings } from '../../../shared/postgres/client-settings.ts';
import { secretOfUrl } from '../../database/database-url.ts';
import { StackError } from '../machine/stack-error.ts';
import type { Postmaster } from './postmaster.ts';
import { explainServerFailure } from './server-program.ts';

/** Long enough to replay a full max_wal_size on a slow disk. */
const startTimeoutMs = 300_000;

/**
 * Waits until the server accepts a connection, which is what ready means.
 *
 * @param url a superuser's, of a database that is always there
 * @throws {StackError} the server ended (with its reason), or does not accept our password
 */
export async function waitUntilReady(postmaster: Postmaster, url: string, clusterDir: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while (!(await accepts(url, clusterDir))) {
    if (postmaster.hasEnded())
      throw explainServerFailure(`Postgres could not start in ${clusterDir}`, postmaster.output);
    if (performance.now() > deadline)
      throw new StackError(
        `Postgres in ${clusterDir} accepts no connection after ${startTimeoutMs / 1000} s`,
      );
    await delay(10);
  }
}

async function accepts(url: string, clusterDir: string): Promise<boolean> {
  const client = new pg.Client(makeClientSettings(secretOfUrl('the URL', url), 'starlift'));
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch (error) {
    // invalid_password, invalid_authorization_specification
    if (['28P01', '28000'].includes(String((error as { code?: unknown }).code)))
      throw new StackError(
        `the passwords in ${clusterDir}.json are not those of ${clusterDir}: remove that file, and the next start sets new ones`,
        { cause: error },
      );
    // Not listening yet, or 57P03: starting up, in recovery.
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
