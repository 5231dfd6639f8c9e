import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../terminal/usage-error.ts';

/** libpq's environment variables, and where home is. */
export type LibpqEnvironment = Readonly<Record<string, string | undefined>>;

export const homeOf = ({ HOME }: LibpqEnvironment): string => HOME || homedir();

/**
 * What a service's section of pg_service.conf says, as libpq's parameters by name.
 *
 * The file is PGSERVICEFILE, else ~/.pg_service.conf, else pg_service.conf in PGSYSCONFDIR.
 *
 * @see https://www.postgresql.org/docs/current/libpq-pgservice.html
 * @throws {UsageError} no file has the service, or a line of it is none
 */
export function findService(name: string, environment: LibpqEnvironment): Record<string, string> {
  const { PGSERVICEFILE, PGSYSCONFDIR } = environment;
  const files = [
    PGSERVICEFILE || join(homeOf(environment), '.pg_service.conf'),
    ...(PGSYSCONFDIR ? [join(PGSYSCONFDIR, 'pg_service.conf')] : []),
  ];
  for (const file of files) {
    const found = readSection(file, name);
    if (found !== undefined) return found;
  }
  throw new UsageError(`the service ${name} is not defined in ${files.join(' or ')}`);
}

function readSection(file: string, name: string): Record<string, string> | undefined {
  let section: Record<string, string> | undefined;
  for (const [index, line] of readLines(file).entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    if (text.startsWith('[')) {
      // The first section of a name counts.
      if (section !== undefined) break;
      if (text === `[${name}]`) section = {};
    } else if (section !== undefined) {
      const [, key, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(text) ?? [];
      // The line may hold a password, and is not shown.
      if (key === undefined || value === undefined) {
        throw new UsageError(`${file} line ${index + 1} is not name=value`);
      }
      section[key] ??= value;
    }
  }
  return section;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new UsageError(`${file} cannot be read (${code})`, { cause: error });
  }
}
