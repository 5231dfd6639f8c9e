import { execFile } from 'node:child_process';
import { access, chmod, mkdir } from 'node:fs/promises';
import { dirname, parse, resolve } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from '../stack-error.ts';
import type { ServerUser } from './server-user.ts';

const run = promisify(execFile);

/**
 * Checks, before anything is written, that the server's OS user can get to the data folder and can run the
 * programs. Only root hands over to another user, so for others there is nothing to check.
 *
 * @throws {StackError} names the first folder that stands in the way, and the mend
 */
export async function assertReachable(user: ServerUser, dataDir: string, program: string): Promise<void> {
  if (user.uid === undefined) return;
  const existing = await deepestExisting(resolve(dataDir));
  await assertCanEnter(user, existing, 'choose a folder outside it with --data');
  await assertCanEnter(user, program, 'move the project out of it');
}

/**
 * Makes the data folder with its parents.
 *
 * What root makes under a umask of 077 would be closed to the server's user, so new folders are opened for
 * passing through; those that were there before stay as they are.
 */
export async function makeReachableFolder(user: ServerUser, dataDir: string): Promise<void> {
  const first = await mkdir(dataDir, { recursive: true });
  if (first === undefined || user.uid === undefined) return;
  for (let folder = resolve(dataDir); ; folder = dirname(folder)) {
    await chmod(folder, 0o755);
    if (folder === resolve(first)) return;
  }
}

async function deepestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const exists = await access(folder).then(
      () => true,
      () => false,
    );
    if (exists || folder === parse(folder).root) return folder;
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
  const parents = [path];
  for (let folder = path; folder !== parse(folder).root; ) {
    folder = dirname(folder);
    parents.unshift(folder);
  }
  for (const folder of parents) if (!(await canEnter(user, folder))) return folder;
  return path;
}

// Asked of the system itself: access lists and mount options count too, not the mode bits alone.
async function canEnter(user: ServerUser, path: string): Promise<boolean> {
  return run('test', ['-x', path], { ...user, cwd: '/' }).then(
    () => true,
    () => false,
  );
}
