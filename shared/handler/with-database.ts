import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import { type Database, makeDatabase } from '../postgres/database.ts';
import type { SslMode } from '../postgres/database-secret.ts';
import { makeSecretFetcher } from './database-secret-cache.ts';

export interface DatabaseContext extends Context {
  database: Database;
}

export interface WithDatabaseOptions {
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  secretId: string;
  /** For messages. */
  what?: 'source' | 'warehouse';
  applicationName: string;
  /** Where the secret says none. */
  sslmode: SslMode;
  maxConnections?: number;
}

/** Middleware: `context.database`, connected by a secret, one for the life of the execution environment. */
export function withDatabase(
  options: WithDatabaseOptions,
): MiddlewareObj<unknown, unknown, Error, DatabaseContext> {
  const { what = 'database', applicationName, maxConnections = 1 } = options;
  const readSecret = makeSecretFetcher(options.secretsManager, options.secretId);
  const fetchSecret: typeof readSecret = async (how) => ({
    sslmode: options.sslmode,
    ...(await readSecret(how)),
  });
  const database = makeDatabase(fetchSecret, { what, applicationName, maxConnections });
  return {
    before: ({ context }) => {
      context.database = database;
    },
  };
}
