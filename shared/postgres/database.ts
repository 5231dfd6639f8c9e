import pg from 'pg';
import { connectPatiently } from './connect-patiently.ts';
import type { DatabaseSecret } from './database-secret.ts';

/** A database behind a secret that may be rotated at any time. */
export interface Database {
  /** Lends a connection; one that comes back from an error is not used again. */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

export interface DatabaseOptions {
  applicationName: string;
  /** Connections at once; a Lambda function needs one. */
  maxConnections: number;
}

/** @param fresh true where connecting with the cached secret has failed */
export type SecretFetcher = (options: { fresh: boolean }) => Promise<DatabaseSecret>;

const connectTimeoutMs = 10_000;
const patienceMs = 20_000;
/** Shorter than the patience: where connections are scarce, idle ones are given up while others still wait. */
const idleTimeoutMs = 10_000;

/**
 * Connects on first use. When that fails for a passing reason it is tried again for 20 seconds, each time with the
 * secret fetched anew: a rotated password, a restart or a failover costs a moment, not an outage.
 */
export function makeDatabase(fetchSecret: SecretFetcher, options: DatabaseOptions): Database {
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

function makePool(secret: DatabaseSecret, { applicationName, maxConnections }: DatabaseOptions): pg.Pool {
  const { host, port, dbname, username, password, sslmode = 'verify-full' } = secret;
  const pool = new pg.Pool({
    host,
    port,
    database: dbname,
    user: username,
    password,
    ssl: sslmode === 'disable' ? false : { rejectUnauthorized: sslmode === 'verify-full' },
    application_name: applicationName,
    max: maxConnections,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    allowExitOnIdle: true,
  });
  // A connection that the server ends (restart, failover) says so by an event, and without a listener that would
  // end the process. An idle one is taken out of the pool by pg itself; a lent one fails its query.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
