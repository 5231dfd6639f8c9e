import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import { TerminalError } from '../errors.ts';
import { type Database, makeDatabase, type SecretFetcher } from '../postgres/database.ts';
import { type DatabaseSecret, parseDatabaseSecret, type SslMode } from '../postgres/database-secret.ts';

export interface DatabaseContext extends Context {
  database: Database;
  /** The secret that the database is connected by. */
  readSecret: SecretFetcher;
}

export interface WithDatabaseOptions {
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  secretId: string;
  /** For messages. */
  what?: 'source' | 'warehouse';
  applicationName: string;
  /** Used if the secret has none. */
  sslmode: SslMode;
  maxConnections?: number;
  /** How long to try for a connection, in milliseconds; undefined for the usual time. */
  patienceMs?: number | undefined;
}

/** Middleware: `context.database`, connected by a secret, one for the life of the execution environment. */
export function withDatabase(
  options: WithDatabaseOptions,
): MiddlewareObj<unknown, unknown, Error, DatabaseContext> {
  const { what = 'database', applicationName, maxConnections = 1, patienceMs } = options;
  const readSecret = makeSecretFetcher(options.secretsManager, options.secretId);
  const fetchSecret: typeof readSecret = async (how) => ({
    sslmode: options.sslmode,
    ...(await readSecret(how)),
  });
  const database = makeDatabase(fetchSecret, { what, applicationName, maxConnections, patienceMs });
  return {
    before: ({ context }) => {
      context.database = database;
      context.readSecret = fetchSecret;
    },
  };
}

const keptMs = 5 * 60 * 1000;

/** Fetches a database secret and keeps it for 5 minutes. `fresh`, after Postgres refused it, fetches it again. */
function makeSecretFetcher(
  secretsManager: Pick<SecretsManagerClient, 'send'>,
  secretId: string,
): SecretFetcher {
  // Not the time of day: a clock that is set back would keep an old password for as long.
  const now = () => performance.now();
  let cached: { secret: DatabaseSecret; fetchedAt: number } | undefined;
  return async ({ fresh }) => {
    if (cached !== undefined && !fresh && now() - cached.fetchedAt < keptMs) return cached.secret;
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString === undefined) throw new TerminalError(`the secret ${secretId} is binary`);
    cached = { secret: parseDatabaseSecret(secretId, SecretString), fetchedAt: now() };
    return cached.secret;
  };
}
