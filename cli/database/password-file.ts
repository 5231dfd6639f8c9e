import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSecret } from '../../shared/postgres/database-secret.ts';
import { homeOf, type LibpqEnvironment } from './service-file.ts';

type Target = Pick<DatabaseSecret, 'host' | 'port' | 'dbname' | 'username'>;

/**
 * The password where a URL has none: PGPASSWORD, else the first line of the password file that fits. The file is
 * PGPASSFILE, else ~/.pgpass.
 *
 * @see https://www.postgresql.org/docs/current/libpq-pgpass.html
 * @returns undefined where there is none: the server may not ask for one
 */
export function findPassword(target: Target, environment: LibpqEnvironment): string | undefined {
  if (environment.PGPASSWORD) return environment.PGPASSWORD;
  const file = environment.PGPASSFILE || join(homeOf(environment), '.pgpass');
  return readPasswordFile(file, target);
}

function readPasswordFile(file: string, { host, port, dbname, username }: Target): string | undefined {
  const text = readPrivate(file);
  if (text === undefined) return undefined;
  const wanted = [host, String(port), dbname, username];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const [, ...fields] = passwordLine.exec(line) ?? [];
    const isFit = wanted.every(
      (value, index) => fields[index] === '*' || withoutEscapes(fields[index]) === value,
    );
    if (isFit) return withoutEscapes(fields[4]);
  }
  return undefined;
}

// A colon or a backslash within a field stands behind a backslash.
const field = String.raw`((?:[^:\\]|\\.)*)`;
const passwordLine = new RegExp(`^${[field, field, field, field, field].join(':')}`);

const withoutEscapes = (text: string | undefined): string | undefined => text?.replaceAll(/\\(.)/g, '$1');

const warnedOf = new Set<string>();

/** libpq ignores a file that others may read, and says so. */
function readPrivate(file: string): string | undefined {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return undefined;
    if ((stat.mode & 0o077) !== 0) {
      if (!warnedOf.has(file)) {
        process.stderr.write(`starlift: ${file} is ignored, for others may read it: chmod 600 ${file}\n`);
      }
      warnedOf.add(file);
      return undefined;
    }
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
