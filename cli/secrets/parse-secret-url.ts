import type { DatabaseSecret } from '../../shared/postgres/database-secret.ts';
import { parseDatabaseUrl } from '../embedded/database-url.ts';
import { UsageError } from '../usage-error.ts';

const shape = 'postgres://user:password@host:port/database';

/**
 * A database URL as the secret that a stage's functions read. Nothing is guessed: what is not named would be wrong on
 * another machine. Only the port may be left out (5432), and sslmode (`verify-full`).
 *
 * @throws {UsageError} it is no Postgres URL, or lacks a part; one line, never with the URL
 */
export function parseSecretUrl(text: string): DatabaseSecret {
  if (text === '') throw new UsageError(`no URL has come by stdin: ${shape}`);
  if (/\s/.test(text)) throw new UsageError(`what has come by stdin is more than one URL: ${shape}`);
  const { username = '', password = '', host = '', ...named } = parseDatabaseUrl('the URL', text);
  const parts = { user: username, password, host };
  const missing = Object.entries(parts).flatMap(([name, value]) => (value === '' ? [`no ${name}`] : []));
  if (missing.length > 0) throw new UsageError(`the URL has ${missing.join(' and ')}: ${shape}`);
  return { port: 5432, sslmode: 'verify-full', ...named, host, username, password };
}
