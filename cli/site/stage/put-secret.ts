import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Model } from '../../../shared/model/model.ts';
import type { DatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import { parseDatabaseUrl } from '../../database/database-url.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import { commandFor } from '../site.ts';
import { type OpenedStage, type StageName, withStage } from './open-stage.ts';
import { isStillEmpty } from './read-stage-secret.ts';

/**
 * Stores a database URL in a stage's secret, as a new version, and says what to do next.
 *
 * @param readUrl called once the stage is found
 * @throws {UsageError} the stage cannot be found or written to, or the URL is invalid; nothing has changed
 */
export function putSecret(
  name: StageName,
  what: 'source' | 'warehouse',
  { readUrl, auth }: { readUrl: () => Promise<string>; auth?: DatabaseSecret['auth'] },
  terminal: Terminal,
  loadModel: () => Promise<Model>,
): Promise<void> {
  return withStage(name, loadModel, async (stage) => {
    const secret = parseSecretUrl(await readUrl(), auth);
    const { id } = stage.secret(what);
    // A URL has none; where this machine has none either, the secret's own is kept.
    const maskKey = what === 'source' ? process.env.STARLIFT_MASK_KEY : undefined;
    if (maskKey) secret.maskKey = maskKey;
    const known = await readKnown(stage, id, terminal);
    const { VersionId = '' } = await stage.secretsManager.send(
      new PutSecretValueCommand({ SecretId: id, SecretString: mergeSecret(known, secret) }),
    );
    if (terminal.json) terminal.result(JSON.stringify({ ok: true, secret: id, version: VersionId }));
    else await printPut(what, secret, stage, terminal);
  });
}

/** A role that may write a secret may not always read it. */
async function readKnown(
  { secretsManager }: OpenedStage,
  id: string,
  terminal: Terminal,
): Promise<string | undefined> {
  try {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: id }));
    return SecretString;
  } catch (error) {
    const { name } = error as Error;
    if (name !== 'ResourceNotFoundException') {
      terminal.info(
        `The secret ${id} may not be read (${name}): fields that others have put into it are lost.`,
      );
    }
    return undefined;
  }
}

/** The fields of a URL. One that a URL leaves out is not that of the URL before it. */
const urlFields = new Set([
  ...['host', 'port', 'dbname', 'username', 'password', 'auth', 'sslmode'],
  ...['sslrootcert', 'sslcert', 'sslkey'],
  ...['options', 'application_name', 'connect_timeout', 'target_session_attrs'],
]);

/**
 * The text of a secret with another URL. What others have put into it stays: AWS' rotation functions need `engine`, and
 * some `masterarn` or `dbInstanceIdentifier`.
 *
 * @param known the text of the secret until now, which may be anything
 */
export function mergeSecret(known: string | undefined, secret: DatabaseSecret): string {
  const kept = Object.entries(parseKnown(known)).filter(([name]) => !urlFields.has(name));
  const { password, ...others } = secret;
  const own = secret.auth === 'iam' ? others : { ...others, password };
  return JSON.stringify({ engine: 'postgres', ...Object.fromEntries(kept), ...own });
}

function parseKnown(known: string | undefined): object {
  try {
    const value: unknown = JSON.parse(known ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

async function printPut(
  what: 'source' | 'warehouse',
  { host, port, dbname, username, sslmode = 'verify-full', auth }: DatabaseSecret,
  stage: OpenedStage,
  terminal: Terminal,
): Promise<void> {
  const { id } = stage.secret(what);
  terminal.info(`The secret ${id} has a new version: ${username} at ${host}:${port}/${dbname}, ${sslmode}.`);
  if (auth === 'iam') {
    terminal.info(
      `Its functions log in by IAM once ${what}DbUserArn names that user and the stage is deployed (docs/deploy.md).`,
    );
  }
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
 * @param auth `iam` where the URL has no password, and needs none
 * @throws {UsageError} the text is not a Postgres URL, or lacks a part; one line, never with the URL
 */
export function parseSecretUrl(text: string, auth?: DatabaseSecret['auth']): DatabaseSecret {
  if (text === '') throw new UsageError(`no URL on stdin: ${shape}`);
  if (/\s/.test(text)) throw new UsageError(`stdin has more than one URL: ${shape}`);
  const { username = '', password = '', host = '', ...named } = parseDatabaseUrl('the URL', text);
  if (auth === 'iam') {
    if (password !== '')
      throw new UsageError('the URL has a password, which --iam does without: leave it out');
    if (named.sslmode === 'disable')
      throw new UsageError('the URL has sslmode=disable: AWS takes IAM tokens over TLS only');
  }
  const parts = auth === 'iam' ? { user: username, host } : { user: username, password, host };
  const missing = Object.entries(parts).flatMap(([name, value]) => (value === '' ? [`no ${name}`] : []));
  if (missing.length > 0) throw new UsageError(`the URL has ${missing.join(' and ')}: ${shape}`);
  const secret = { port: 5432, sslmode: 'verify-full', ...named, host, username, password } as const;
  return auth === undefined ? secret : { ...secret, auth };
}
