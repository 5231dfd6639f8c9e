import pg from 'pg';
import type { DatabaseSecret } from '../shared/postgres/database-secret.ts';
import { secretOfUrl } from './embedded/database-url.ts';
import { UsageError } from './usage-error.ts';

const connectTimeoutMs = 10_000;

/**
 * Connects to one of the two databases. The caller ends the client.
 *
 * @param what names the database, and its option, in messages
 * @throws {UsageError} the URL is none, or the database cannot be had by it: one line, never with the password
 */
export async function connect(url: string, what: 'source' | 'warehouse'): Promise<pg.Client> {
  const secret = secretOf(`--${what}`, url);
  const client = new pg.Client({
    host: secret.host,
    port: secret.port,
    database: secret.dbname,
    user: secret.username,
    password: secret.password,
    ssl: secret.sslmode === 'disable' ? false : { rejectUnauthorized: secret.sslmode === 'verify-full' },
    application_name: 'starlift',
    connectionTimeoutMillis: connectTimeoutMs,
  });
  // A connection that is lost while idle would end the process; lost under a query, the query says so.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw new UsageError(explainRefusal(what, secret, error), { cause: error });
  }
  return client;
}

function secretOf(option: string, url: string): DatabaseSecret {
  try {
    return secretOfUrl(option, url);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // Its own message is no help, and the URL may hold a password.
    throw new UsageError(`${option} is no Postgres URL: a % in it that is meant as itself is written %25`);
  }
}

/** Postgres' own words never hold the password; pg's do not either. */
function explainRefusal(what: string, secret: DatabaseSecret, error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const { host, port, dbname, username } = secret;
  const where = `the ${what} at ${host.includes(':') ? `[${host}]` : host}:${port}`;
  const text = String(message);
  if (code === '28P01') return `${where} refused the password of user ${username}`;
  // pg has been asked for a password and was given none.
  if (text.startsWith('SASL')) return `${where} asks for a password of user ${username}`;
  if (code === '3D000') return `${where} has no database ${dbname}`;
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code)) return `${where} cannot be reached (${code})`;
  if (/timeout/i.test(text))
    return `${where} cannot be reached (no answer in ${connectTimeoutMs / 1000} seconds)`;
  if (/Connection terminated/.test(text)) return `${where} hung up: is it a Postgres server?`;
  return `${where} refused the connection: ${text}`;
}
