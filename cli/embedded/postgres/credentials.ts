import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../machine/stack-error.ts';

/** The cluster's roles: its superuser, the owner of each database, and who only reads the source. */
export interface Credentials {
  starlift: RoleCredentials;
  /** Its database has the same name. */
  source: RoleCredentials;
  reader: RoleCredentials;
  /** Its database has the same name. */
  warehouse: RoleCredentials;
}

export interface RoleCredentials {
  role: string;
  password: string;
}

const readerSuffix = '_reader';

/** Passwords of 192 random bits, in letters that need no quoting in SQL or in a URL. */
export function makeCredentials(): Credentials {
  const make = (role: string) => ({ role, password: randomBytes(24).toString('base64url') });
  return {
    starlift: make('starlift'),
    source: make('shop'),
    reader: make(`shop${readerSuffix}`),
    warehouse: make('warehouse'),
  };
}

/**
 * Reads `<dataDir>/postgres.json`: `{ "<role>": "<password>" }`.
 *
 * @returns undefined when there is no such file
 * @throws {StackError} the file holds something else
 */
export async function readCredentials(dataDir: string): Promise<Credentials | undefined> {
  const path = credentialsPath(dataDir);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return parseCredentials(JSON.parse(text));
  } catch (cause) {
    throw new StackError(`${path} is damaged: remove it, and the next start sets new passwords`, { cause });
  }
}

/**
 * Writes the file that readCredentials reads, mode 0600, whole or not at all.
 *
 * Only once the cluster has these passwords: a file without them would lock us out of our own databases.
 */
export async function writeCredentials(dataDir: string, credentials: Credentials): Promise<void> {
  const path = credentialsPath(dataDir);
  const passwords = Object.values(credentials).map(({ role, password }) => [role, password] as const);
  const text = `${JSON.stringify(Object.fromEntries(passwords))}\n`;
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export function credentialsPath(dataDir: string): string {
  return join(dataDir, 'postgres.json');
}

/** The source's role is known by its reader's: folders of earlier versions have other names. */
function parseCredentials(value: unknown): Credentials {
  const found = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const credentialsOf = (role: string) => {
    const password = found[role];
    if (typeof password !== 'string' || password === '') throw new Error(`no password for the role ${role}`);
    return { role, password };
  };
  const reader = Object.keys(found).find((role) => role.endsWith(readerSuffix)) ?? `shop${readerSuffix}`;
  return {
    starlift: credentialsOf('starlift'),
    source: credentialsOf(reader.slice(0, -readerSuffix.length)),
    reader: credentialsOf(reader),
    warehouse: credentialsOf('warehouse'),
  };
}
