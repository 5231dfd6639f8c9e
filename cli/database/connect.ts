import type pg from 'pg';
import { PipelineError } from '../../shared/errors.ts';
import {
  assertTargetSession,
  describeServer,
  makeClientSettings,
} from '../../shared/postgres/client-settings.ts';
import type { DatabaseSecret } from '../../shared/postgres/database-secret.ts';
import {
  GuardedClient,
  type GuardOptions,
  type SilenceLimits,
} from '../../shared/postgres/guarded-client.ts';
import { isOptionsRefused, isSystemCode, withoutOptions } from '../../shared/postgres/server-error.ts';
import type { Address } from '../../shared/postgres/tunnel-socket.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { secretOfUrl } from './database-url.ts';

/** No server answers at this address from here. */
export class UnreachableError extends UsageError {}

/** What OpenSSL says of a certificate whose authority it does not know. */
const unknownAuthority =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE))$/;

/**
 * Connects to one of the two databases. The caller ends the client.
 *
 * @param what names the database, and its option, in messages
 * @throws {UsageError} the URL is none, or the database cannot be had by it: one line, never with the password
 */
export const connect = async (url: string, what: 'source' | 'warehouse'): Promise<pg.Client> =>
  connectTo(secretOfUrl(`--${what}`, url), what);

export interface ConnectOptions {
  /** How long a statement's silence is put up with. */
  limits?: SilenceLimits;
  /** The near end of a tunnel to the database. */
  via?: Address | undefined;
}

/** The same by what a URL says, or a stage's secret. */
export async function connectTo(
  secret: DatabaseSecret,
  what: 'source' | 'warehouse',
  { limits, via }: ConnectOptions = {},
): Promise<pg.Client> {
  const settings = makeClientSettings(secret, 'starlift', via);
  const where = describeServer(what, secret, via);
  const guard: GuardOptions = { name: where };
  if (limits !== undefined) guard.limits = limits;
  const client = new GuardedClient({ ...settings, guard });
  // A connection that is lost while idle would end the process; lost under a query, the query says so.
  client.on('error', () => {});
  try {
    await client.connect();
    await assertTargetSession(client, what, secret);
  } catch (error) {
    await client.end().catch(() => {});
    const seconds = settings.connectionTimeoutMillis / 1000;
    throw explainRefusal(where, secret, seconds, error);
  }
  return client;
}

/** Postgres' own words never hold the password; pg's do not either. */
function explainRefusal(where: string, secret: DatabaseSecret, seconds: number, error: unknown): UsageError {
  const refused = (message: string) => new UsageError(message, { cause: error });
  const unreachable = (message: string) => new UnreachableError(message, { cause: error });
  if (error instanceof PipelineError) return refused(error.message);
  const { code, message } = error as { code?: unknown; message?: unknown };
  const { dbname, username } = secret;
  const text = String(message);
  if (secret.auth === 'iam' && (code === '28P01' || code === '28000')) {
    return refused(
      `${where} refused the IAM token of user ${username}: ${text}. The user needs the role rds_iam, and these AWS credentials rds-db:connect on it`,
    );
  }
  if (code === '28P01') return refused(`${where} refused the password of user ${username}`);
  // pg has been asked for a password and was given none.
  if (text.startsWith('SASL'))
    return refused(
      `${where} asks for a password of user ${username}: set PGPASSWORD, or add a line to ~/.pgpass`,
    );
  if (isOptionsRefused(error))
    return refused(`${where} refused the connection: ${text.replace(/\.$/, '')}: ${withoutOptions}`);
  if (code === '3D000') return refused(`${where} has no database ${dbname}`);
  if (typeof code === 'string' && unknownAuthority.test(code)) {
    return refused(
      `${where} shows a certificate of an authority unknown here: NODE_EXTRA_CA_CERTS names its file (RDS: global-bundle.pem)`,
    );
  }
  if (typeof code === 'string' && code.startsWith('ERR_TLS_CERT'))
    return refused(`${where} shows a certificate of another name: ${text}`);
  if (isSystemCode(code)) return unreachable(`${where} cannot be reached (${code})`);
  if (/timeout/i.test(text))
    return unreachable(
      `${where} cannot be reached (no answer in ${seconds === 1 ? '1 second' : `${seconds} seconds`})`,
    );
  if (/Connection terminated/.test(text)) return refused(`${where} hung up: is it a Postgres server?`);
  return refused(`${where} refused the connection: ${text}`);
}
