import type { DatabaseSecret } from '../../shared/postgres/database-secret.ts';
import { UsageError } from '../usage-error.ts';

/**
 * A database URL as the secret that the services read.
 *
 * @param option the command-line option that the URL came by, for the message
 * @throws {UsageError} it is no Postgres URL; the message never holds it, for it may hold a password
 */
export function secretOfUrl(option: string, text: string): DatabaseSecret {
  try {
    return parseUrl(option, text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // Its own message is no help, and the URL may hold a password.
    throw new UsageError(`${option} is no Postgres URL: a % in it that is meant as itself is written %25`);
  }
}

function parseUrl(option: string, text: string): DatabaseSecret {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new UsageError(`${option} is no Postgres URL: use postgres://user:password@host:port/database`);
  }
  const dbname = decodeURIComponent(url.pathname.slice(1));
  if (dbname === '')
    throw new UsageError(`${option} names no database: use postgres://user:password@host:port/database`);
  return {
    host: decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, '$1')) || 'localhost',
    port: url.port === '' ? 5432 : Number(url.port),
    dbname,
    username: decodeURIComponent(url.username) || 'postgres',
    password: decodeURIComponent(url.password),
    sslmode: sslmodeOf(option, url.searchParams.get('sslmode')),
  };
}

function sslmodeOf(option: string, text: string | null): NonNullable<DatabaseSecret['sslmode']> {
  if (text === null) return 'disable';
  if (text === 'disable' || text === 'require' || text === 'verify-full') return text;
  throw new UsageError(`${option} has sslmode=${text}: use disable, require or verify-full`);
}
