import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../machine/stack-error.ts';
import { type Binaries, postgresMajor } from './binaries.ts';
import { makeCredentials, writeCredentials } from './credentials.ts';
import { provision } from './provision.ts';
import { runServerProgram } from './server-program.ts';
import type { ServerUser } from './server-user.ts';
import { hostBasedAuthentication } from './settings.ts';

const unfinished = 'postgres.new-';

export function clusterPath(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/**
 * Says whether the data folder holds a cluster of ours.
 *
 * @throws {StackError} it holds one of another major version, or something else
 */
export async function hasCluster(dataDir: string): Promise<boolean> {
  const clusterDir = clusterPath(dataDir);
  const entries = await readdir(clusterDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (entries === undefined) return false;
  const version = await readFile(join(clusterDir, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version === undefined)
    throw new StackError(`${clusterDir} is not a Postgres data folder (it has no PG_VERSION): move it away`);
  if (version.trim() !== postgresMajor)
    throw new StackError(
      `${clusterDir} is of Postgres ${version.trim()}, this is ${postgresMajor}: choose another folder with --data`,
    );
  return true;
}

/**
 * Makes the cluster with its roles and databases, then writes its passwords.
 *
 * All of it happens in a folder of another name, renamed when complete: killed at any moment, the next start
 * finds a whole cluster or none. Killed between the two, it finds one without its passwords and sets new ones.
 *
 * @throws {StackError} initdb or a statement failed
 */
export async function makeCluster(
  dataDir: string,
  programs: { binaries: Binaries; user: ServerUser },
): Promise<void> {
  await removeUnfinished(dataDir);
  // A name of its own: the initdb of a start that was killed may still be writing to its folder.
  const folder = join(dataDir, `${unfinished}${process.pid}-${Date.now()}`);
  const credentials = makeCredentials();
  try {
    await mkdir(folder, { mode: 0o700 });
    if (programs.user.uid !== undefined && programs.user.gid !== undefined)
      await chown(folder, programs.user.uid, programs.user.gid);
    await initialise(folder, programs);
    await provision(folder, credentials, { ...programs, isNew: true });
    await rename(folder, clusterPath(dataDir));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  await writeCredentials(dataDir, credentials);
}

async function initialise(
  folder: string,
  { binaries, user }: { binaries: Binaries; user: ServerUser },
): Promise<void> {
  const args = [
    `--pgdata=${folder}`,
    '--username=starlift',
    // Nobody connects before our own pg_hba.conf is in place, so initdb needs no password file.
    '--auth=reject',
    '--encoding=UTF8',
    // The same order of strings on every machine: byte order by code point, nothing of the OS.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // A machine that dies in the next seconds loses an empty cluster; syncing it takes seconds.
    '--no-sync',
    '--no-instructions',
  ];
  await runServerProgram(`Postgres could not make ${folder}`, binaries.initdb, args, { user });
  await writeFile(join(folder, 'pg_hba.conf'), hostBasedAuthentication);
}

async function removeUnfinished(dataDir: string): Promise<void> {
  const leftovers = (await readdir(dataDir)).filter((name) => name.startsWith(unfinished));
  for (const name of leftovers)
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 });
}
