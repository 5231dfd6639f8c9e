import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { TerminalError } from '../errors.ts';
import type { SecretFetcher } from '../postgres/database.ts';
import { type DatabaseSecret, parseDatabaseSecret } from '../postgres/database-secret.ts';

const keptMs = 5 * 60 * 1000;

/** Fetches a database secret, keeps it for 5 minutes, and fetches it anew when told that it was refused. */
export function makeSecretFetcher(
  secretsManager: Pick<SecretsManagerClient, 'send'>,
  secretId: string,
  now: () => number = Date.now,
): SecretFetcher {
  let cached: { secret: DatabaseSecret; fetchedAt: number } | undefined;
  return async ({ fresh }) => {
    if (cached !== undefined && !fresh && now() - cached.fetchedAt < keptMs) return cached.secret;
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString === undefined) throw new TerminalError(`the secret ${secretId} is binary`);
    cached = { secret: parseDatabaseSecret(secretId, SecretString), fetchedAt: now() };
    return cached.secret;
  };
}
