import { execFile } from 'node:child_process';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, parse } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from '../machine/stack-error.ts';
import type { ServerUser } from './server-user.ts';

const run = promisify(execFile);

/**
 * Checks, before anything is written, that the server's OS user can get to the data folder and can run the
 * programs. Only root hands over to another user, so for others there is nothing to check.
 *
 * @throws {StackError} names the first folder that stands in the way, and how to fix it
 */
export async function assertReachable(user: ServerUser, dataDir: string, program: string): Promise<void> {
  if (user.uid === undefined) return;
  const existing = await deepestExisting(dataDir);
  const checked = existing === dataDir && isOursToOpen(dataDir) ? dirname(dataDir) : existing;
  await assertCanEnter(user, checked, 'choose a folder outside it with --data');
  await assertCanEnter(user, program, 'move the project out of it');
}

/**
 * Makes the data folder with its parents, and lets the server's user pass through what is ours of them: the
 * data folder itself (`mktemp -d` makes it 0700) and what is new (a umask of 077 does the same). Passwords in
 * it have a mode of their own.
 */
export async function makeReachableFolder(user: ServerUser, dataDir: string): Promise<void> {
  const existing = await deepestExisting(dataDir);
  const missing = foldersBetween(existing, dataDir);
  // One by one: mkdir's `recursive` says ENOENT for a read-only file system.
  for (const folder of missing) await mkdir(folder);
  if (user.uid === undefined || !isOursToOpen(dataDir)) return;
  for (const folder of new Set([...missing, dataDir])) {
    const { mode } = await stat(folder);
    if (!(await canEnter(user, folder))) await chmod(folder, (mode & 0o7777) | 0o011);
  }
}

// A whole home given as the data folder stays as closed as it is.
function isOursToOpen(dataDir: string): boolean {
  return dataDir !== homedir();
}

async function deepestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder || folder === parse(folder).root) return folder;
  }
}

async function assertCanEnter(user: ServerUser, path: string, otherMend: string): Promise<void> {
  if (await canEnter(user, path)) return;
  const blocked = await firstBlocked(user, path);
  throw new StackError(
    `Postgres does not run as root, and its OS user (uid ${user.uid}) may not enter ${blocked}: ` +
      `${otherMend}, or run: chmod o+x ${blocked}`,
  );
}

async function firstBlocked(user: ServerUser, path: string): Promise<string> {
  for (const folder of foldersBetween(parse(path).root, path))
    if (!(await canEnter(user, folder))) return folder;
  return path;
}

/** The folders on the way down from one to another, that one included. */
function foldersBetween(above: string, path: string): string[] {
  return path === above ? [] : [...foldersBetween(above, dirname(path)), path];
}

// Asked of the system itself: access lists and mount options count too, not the mode bits alone.
async function canEnter(user: ServerUser, path: string): Promise<boolean> {
  return run('test', ['-x', path], { ...user, cwd: '/' }).then(
    () => true,
    () => false,
  );
}
