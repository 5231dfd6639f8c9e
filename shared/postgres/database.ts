import pg from 'pg';
import { toPipelineError } from '../classify-error.ts';
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

/** @param fresh true where the cached secret was refused */
export type SecretFetcher = (options: { fresh: boolean }) => Promise<DatabaseSecret>;

const connectTimeoutMs = 10_000;
const idleTimeoutMs = 60_000;

/**
 * Connects on first use. When Postgres refuses the password (28P01), the secret is fetched again and tried once
 * more: a rotated password costs one retry, not an outage.
 */
export function makeDatabase(fetchSecret: SecretFetcher, options: DatabaseOptions): Database {
  let pool: pg.Pool | undefined;

  const openPool = async (fresh: boolean): Promise<pg.Pool> => {
    const opened = makePool(await fetchSecret({ fresh }), options);
    const previous = pool;
    pool = opened;
    await previous?.end();
    return opened;
  };

  const connect = async (): Promise<pg.PoolClient> => {
    try {
      return await (pool ?? (await openPool(false))).connect();
    } catch (error) {
      if ((error as { code?: unknown }).code !== '28P01') throw toPipelineError(error);
      return (await openPool(true)).connect();
    }
  };

  return {
    withClient: async (work) => {
      const client = await connect();
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
