import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { TerminalError } from '../../../shared/errors.ts';
import { type DatabaseSecret, parseDatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import { UsageError } from '../../terminal/usage-error.ts';

/** One of a stage's two secrets. */
export interface StageSecret {
  what: 'source' | 'warehouse';
  /** Its name or ARN. */
  id: string;
  /** What the user adds to a command for it to work on this stage. */
  selector: string;
}

/**
 * Reads how to connect to one of a stage's databases.
 *
 * @throws {UsageError} it is still as the stack made it, lacks a field, or does not exist; one line, never with its
 * content
 */
export async function readStageSecret(
  secretsManager: Pick<SecretsManagerClient, 'send'>,
  secret: StageSecret,
): Promise<DatabaseSecret> {
  const text = await readText(secretsManager, secret);
  const { what, selector } = secret;
  const put = `npx starlift secrets put ${what}${selector}`;
  if (isPlaceholder(text)) throw new UsageError(`the ${what}'s secret is still empty: fill it with ${put}`);
  try {
    return parseDatabaseSecret(secret.id, text);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    throw new UsageError(`${error.message}: replace it with ${put}`);
  }
}

/** Whether it is still as the stack has made it, as far as the caller's rights allow to see that. */
export async function isStillEmpty(
  secretsManager: Pick<SecretsManagerClient, 'send'>,
  secret: StageSecret,
): Promise<boolean> {
  // A role that may write a secret may not always read it.
  return isPlaceholder(await readText(secretsManager, secret).catch(() => ''));
}

/** Whether a secret still has the placeholder that the stack put into it: a database without a name. */
export function isPlaceholder(text: string): boolean {
  try {
    const { host, dbname, username } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
    return [host, dbname, username].every((value) => value === '');
  } catch {
    return false;
  }
}

async function readText(
  secretsManager: Pick<SecretsManagerClient, 'send'>,
  { what, id }: StageSecret,
): Promise<string> {
  try {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: id }));
    return SecretString ?? '';
  } catch (error) {
    if ((error as { name?: unknown }).name !== 'ResourceNotFoundException') throw error;
    throw new UsageError(`the ${what}'s secret ${id} does not exist, or has no value`, { cause: error });
  }
}
