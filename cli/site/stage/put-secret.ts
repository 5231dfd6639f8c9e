import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Model } from '../../../shared/model/model.ts';
import type { DatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import { parseDatabaseUrl } from '../../database/database-url.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import { commandFor } from '../site.ts';
import { type OpenedStage, type StageName, withStage } from './open-stage.ts';
import { isStillEmpty, readStageSecret } from './read-stage-secret.ts';

/**
 * Stores a database URL in a stage's secret, as a new version, and says what to do next.
 *
 * @param readUrl called once the stage is found
 * @throws {UsageError} the stage cannot be found or written to, or the URL is invalid; nothing has changed
 */
export function putSecret(
  name: StageName,
  what: 'source' | 'warehouse',
  readUrl: () => Promise<string>,
  terminal: Terminal,
  loadModel: () => Promise<Model>,
): Promise<void> {
  return withStage(name, loadModel, async (stage) => {
    const secret = parseSecretUrl(await readUrl());
    const { id } = stage.secret(what);
    const maskKey = what === 'source' ? await findMaskKey(stage) : undefined;
    if (maskKey !== undefined) secret.maskKey = maskKey;
    const { VersionId = '' } = await stage.secretsManager.send(
      new PutSecretValueCommand({ SecretId: id, SecretString: JSON.stringify(secret) }),
    );
    if (terminal.json) terminal.result(JSON.stringify({ ok: true, secret: id, version: VersionId }));
    else await printPut(what, secret, stage, terminal);
  });
}

/** The key of this machine's environment, else the one that the secret has: a URL has none. */
async function findMaskKey(stage: OpenedStage): Promise<string | undefined> {
  const { STARLIFT_MASK_KEY: key } = process.env;
  if (key) return key;
  // A role that may write a secret may not always read it, and an empty one has no key.
  return (await readStageSecret(stage.secretsManager, stage.secret('source')).catch(() => undefined))
    ?.maskKey;
}

async function printPut(
  what: 'source' | 'warehouse',
  { host, port, dbname, username, sslmode = 'verify-full' }: DatabaseSecret,
  stage: OpenedStage,
  terminal: Terminal,
): Promise<void> {
  const { id } = stage.secret(what);
  terminal.info(`The secret ${id} has a new version: ${username} at ${host}:${port}/${dbname}, ${sslmode}.`);
  terminal.info(
    'Running functions switch to it within five minutes, or at once when their old password is refused.',
  );
  const other = what === 'source' ? 'warehouse' : 'source';
  const isOtherEmpty = await isStillEmpty(stage.secretsManager, stage.secret(other));
  const next = isOtherEmpty ? `secrets put ${other}` : 'run';
  terminal.info(`Next: ${commandFor(stage, next)}`);
}

const shape = 'postgres://user:password@host:port/database';

/**
 * A database URL as the secret that a stage's functions read. Nothing is guessed: a default of this machine would be
 * wrong on another. Only the port may be left out (5432), and sslmode (`verify-full`).
 *
 * @throws {UsageError} the text is not a Postgres URL, or lacks a part; one line, never with the URL
 */
export function parseSecretUrl(text: string): DatabaseSecret {
  if (text === '') throw new UsageError(`no URL on stdin: ${shape}`);
  if (/\s/.test(text)) throw new UsageError(`stdin has more than one URL: ${shape}`);
  const { username = '', password = '', host = '', ...named } = parseDatabaseUrl('the URL', text);
  const parts = { user: username, password, host };
  const missing = Object.entries(parts).flatMap(([name, value]) => (value === '' ? [`no ${name}`] : []));
  if (missing.length > 0) throw new UsageError(`the URL has ${missing.join(' and ')}: ${shape}`);
  return { port: 5432, sslmode: 'verify-full', ...named, host, username, password };
}
