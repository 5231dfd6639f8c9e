import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../machine/stack-error.ts';

/** The cluster's roles: its superuser, the owner of each database, and who only reads the source. */
export const roles = ['starlift', 'totesys', 'totesys_reader', 'warehouse'] as const;
export type Role = (typeof roles)[number];
export type Credentials = Record<Role, string>;

/** Passwords of 192 random bits, in letters that need no quoting in SQL or in a URL. */
export function makeCredentials(): Credentials {
  const password = () => randomBytes(24).toString('base64url');
  return { starlift: password(), totesys: password(), totesys_reader: password(), warehouse: password() };
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
  await writeFile(`${path}.new`, `${JSON.stringify(credentials)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export function credentialsPath(dataDir: string): string {
  return join(dataDir, 'postgres.json');
}

function parseCredentials(value: unknown): Credentials {
  const found = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const password = (role: Role) => {
    const text = found[role];
    if (typeof text !== 'string' || text === '') throw new Error(`no password for the role ${role}`);
    return text;
  };
  return {
    starlift: password('starlift'),
    totesys: password('totesys'),
    totesys_reader: password('totesys_reader'),
    warehouse: password('warehouse'),
  };
}
