import pg from 'pg';
import { assertTargetSession, makeClientSettings } from './client-settings.ts';
import { connectPatiently } from './connect-patiently.ts';
import type { DatabaseSecret } from './database-secret.ts';

/** A database behind a secret that may be rotated at any time. */
export interface Database {
  /** Lends a connection; one that comes back from an error is not used again. */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

export interface DatabaseOptions {
  /** `source` or `warehouse`, for messages; `database` where it is left out. */
  what?: string;
  applicationName: string;
  /** Connections at once; a Lambda function needs one. */
  maxConnections: number;
  /** How long to try again for a connection, in milliseconds; 20,000 where it is left out. */
  patienceMs?: number;
}

/** @param fresh true where connecting with the cached secret has failed */
export type SecretFetcher = (options: { fresh: boolean }) => Promise<DatabaseSecret>;

const defaultPatienceMs = 20_000;
/** Shorter than the patience: where connections are scarce, idle ones are given up while others still wait. */
const idleTimeoutMs = 10_000;

/**
 * Connects on first use. When that fails for a passing reason it is tried again for 20 seconds, each time with the
 * secret fetched anew: a rotated password, a restart or a failover costs a moment, not an outage.
 */
export function makeDatabase(fetchSecret: SecretFetcher, options: DatabaseOptions): Database {
  const { patienceMs = defaultPatienceMs } = options;
  let pool: pg.Pool | undefined;
  let known: string | undefined;

  const connect = async (failedAttempts: number): Promise<pg.PoolClient> => {
    const secret = await fetchSecret({ fresh: failedAttempts > 0 });
    const current = JSON.stringify(secret);
    if (pool === undefined || current !== known) {
      // Its lent connections live on until they are released.
      pool?.end().catch(() => {});
      pool = makePool(secret, options);
      known = current;
    }
    return pool.connect();
  };

  return {
    withClient: async (work) => {
      const client = await connectPatiently(connect, patienceMs);
      let failed = true;
      try {
        const result = await work(client);
        failed = false;
        return result;
      } finally {
        client.release(failed);
      }
    },
    end: async () => {
      await pool?.end();
      pool = undefined;
    },
  };
}

function makePool(secret: DatabaseSecret, options: DatabaseOptions): pg.Pool {
  const { what = 'database', applicationName, maxConnections } = options;
  const pool = new pg.Pool({
    ...makeClientSettings(secret, applicationName),
    max: maxConnections,
    idleTimeoutMillis: idleTimeoutMs,
    allowExitOnIdle: true,
    onConnect: (client) => assertTargetSession(client, what, secret),
  });
  // A connection that the server ends (restart, failover) says so by an event, and without a listener that would
  // end the process. An idle one is taken out of the pool by pg itself; a lent one fails its query.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
