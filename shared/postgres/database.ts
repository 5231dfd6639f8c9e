import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isConnectionLost, toPipelineError } from '../classify-error.ts';
import { RefusedError, type Refuser, restate, TransientError } from '../errors.ts';
import { assertTargetSession, describeServer, makeClientSettings } from './client-settings.ts';
import type { DatabaseSecret } from './database-secret.ts';
import {
  GuardedClient,
  type GuardedSettings,
  type GuardOptions,
  type SilenceLimits,
} from './guarded-client.ts';
import { isOptionsRefused, isSystemCode, withoutOptions } from './server-error.ts';

/** A database behind a secret that may be rotated at any time. */
export interface Database {
  /** Lends a connection. It is not reused if the work fails. */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

export interface DatabaseOptions {
  /** For messages. */
  what?: 'source' | 'warehouse' | 'database';
  applicationName: string;
  /** Connections at once; a Lambda function needs one. */
  maxConnections: number;
  /** How long a statement may be silent. */
  limits?: SilenceLimits;
  /** How long to try again for a connection, in milliseconds; 20,000 where it is left out. */
  patienceMs?: number | undefined;
}

/** @param fresh true if connecting with the cached secret has failed */
export type SecretFetcher = (options: { fresh: boolean }) => Promise<DatabaseSecret>;

const defaultPatienceMs = 20_000;
/** Shorter than the patience: where connections are scarce, idle ones are closed while others still wait. */
const idleTimeoutMs = 10_000;

/**
 * Connects on first use. If that fails for a transient reason, it retries for 20 seconds, and fetches the secret each
 * time: a rotated password, a restart or a failover costs a moment, not an outage.
 */
export function makeDatabase(fetchSecret: SecretFetcher, options: DatabaseOptions): Database {
  const { what = 'database', patienceMs = defaultPatienceMs } = options;
  let pool: pg.Pool | undefined;
  let known: string | undefined;
  // Of the last attempt. A message that waits tries again long after it, and the secret may be another by then.
  let isRefused = false;
  let serverName: string = what;

  const connect = async (
    failedAttempts: number,
    onRefused: (name: string) => void,
  ): Promise<pg.PoolClient> => {
    const secret = await fetchSecret({ fresh: failedAttempts > 0 || isRefused });
    const current = JSON.stringify(secret);
    if (pool === undefined || current !== known) {
      // Its lent connections live on until they are released.
      pool?.end().catch(() => {});
      pool = makePool(secret, options);
      known = current;
      serverName = describeServer(what, secret);
    }
    try {
      return await connectAndAsk(pool);
    } catch (error) {
      onRefused(describeServer(what, secret));
      throw error;
    }
  };

  const connectOrExplain = async (): Promise<pg.PoolClient> => {
    let refusedBy: string | undefined;
    const attempt = (failedAttempts: number) => {
      refusedBy = undefined;
      return connect(failedAttempts, (name) => {
        refusedBy = name;
      });
    };
    try {
      const client = await connectPatiently(attempt, patienceMs);
      isRefused = false;
      return client;
    } catch (error) {
      isRefused = true;
      throw refusal(error, what, refusedBy);
    }
  };

  return {
    withClient: async (work) => {
      const client = await connectOrExplain();
      let failed = true;
      try {
        const result = await work(client);
        failed = false;
        return result;
      } catch (error) {
        throw nameServer(lossOf(error, client), serverName);
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

/** pg's own words for a connection that ended do not say which of the databases it led to. */
function nameServer(thrown: unknown, server: string): unknown {
  if (!isConnectionLost(thrown)) return thrown;
  const error = toPipelineError(thrown);
  return error.message.includes(server) ? thrown : restate(error, { message: `${server}: ${error.message}` });
}

/** What each lent connection was lost by. */
const losses = new WeakMap<pg.ClientBase, unknown>();

/** A server that ends a connection between two statements says why, and pg says of the next one only that it is lost. */
const lossOf = (thrown: unknown, client: pg.ClientBase): unknown =>
  isConnectionLost(thrown) && (thrown as { code?: unknown }).code === undefined
    ? (losses.get(client) ?? thrown)
    : thrown;

/** A first statement, because a pooler takes connections for a server that is not there, and an idle one may be dead. */
async function connectAndAsk(pool: pg.Pool): Promise<pg.PoolClient> {
  const client = await pool.connect();
  try {
    await client.query('select 1');
    return client;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/**
 * Whatever keeps a connection from being made is the environment's: the work has not begun.
 *
 * @param server named in the message, because pg's own words, such as of a timeout, do not say which of the databases it
 * was; undefined where its secret could not be read
 */
function refusal(thrown: unknown, by: Refuser, server: string | undefined): RefusedError {
  const error = toPipelineError(thrown);
  if (error instanceof RefusedError && error.by === 'AWS') return error;
  const isNamed = server === undefined || error.message.includes(server);
  const { code } = (error.cause ?? {}) as { code?: unknown };
  // The system's own words repeat the address.
  const why = isSystemCode(code) ? `cannot be reached (${code})` : `cannot be connected to: ${error.message}`;
  const said = isNamed ? error.message : `${server} ${why}`;
  const message = isOptionsRefused(error.cause ?? error) ? `${said}: ${withoutOptions}` : said;
  return new RefusedError(message, { by, cause: error.cause ?? error });
}

function makePool(secret: DatabaseSecret, options: DatabaseOptions): pg.Pool {
  const { what = 'database', applicationName, maxConnections, limits } = options;
  const guard: GuardOptions = { name: describeServer(what, secret) };
  if (limits !== undefined) guard.limits = limits;
  const settings: GuardedSettings = { ...makeClientSettings(secret, applicationName), guard };
  const pool = new pg.Pool({
    ...settings,
    // pg passes it all of these settings.
    Client: GuardedClient as unknown as typeof pg.Client,
    max: maxConnections,
    idleTimeoutMillis: idleTimeoutMs,
    allowExitOnIdle: true,
    onConnect: (client) => assertTargetSession(client, what, secret),
  });
  // A connection that the server ends (restart, failover) says so by an event, and without a listener that would
  // end the process. An idle one is taken out of the pool by pg itself; a lent one fails its query.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', (error) => losses.has(client) || losses.set(client, error));
  });
  return pool;
}

const firstPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Connects, and retries for a while where that can help: the server has no connection free (53300), is starting or
 * being replaced, or its password is being rotated. A message survives five deliveries, and such a moment should not
 * cost one. The pauses are random, because many clients wait for the same server.
 *
 * @param attempt is given the number of attempts that have failed
 * @throws {TransientError} the last attempt still failed for such a reason
 * @throws {TerminalError} retrying cannot help
 */
async function connectPatiently<T>(
  attempt: (failedAttempts: number) => Promise<T>,
  patienceMs: number,
): Promise<T> {
  // By a clock that nobody sets.
  const deadline = performance.now() + patienceMs;
  for (let failed = 0; ; failed++) {
    try {
      return await attempt(failed);
    } catch (thrown) {
      const error = toPipelineError(thrown);
      const pauseMs = isStalePassword(thrown) && failed === 0 ? 0 : pauseAfter(failed);
      if (!(error instanceof TransientError) || performance.now() + pauseMs > deadline) throw error;
      await delay(pauseMs);
    }
  }
}

/** The next attempt fetches the secret again, and a rotated password is worth trying at once. */
const isStalePassword = (error: unknown): boolean => (error as { code?: unknown }).code === '28P01';

const pauseAfter = (failed: number): number =>
  Math.min(firstPauseMs * 2 ** failed, longestPauseMs) * (0.5 + Math.random());
