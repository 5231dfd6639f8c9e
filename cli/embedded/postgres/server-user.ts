import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { StackError } from '../machine/stack-error.ts';

const run = promisify(execFile);

/** Who the server runs as, in the shape of a spawn option. Empty: who we are. */
export interface ServerUser {
  uid?: number;
  gid?: number;
}

/**
 * Decides which OS user the server of a cluster runs as. Postgres refuses to run as root, and refuses a data
 * folder that belongs to somebody else.
 *
 * As root this is the folder's owner, or for a new one the OS user `postgres`, made when missing.
 *
 * @param clusterDir the cluster's folder; need not exist
 * @throws {StackError} the folder belongs to another user, or no OS user `postgres` can be made
 */
export async function findServerUser(clusterDir: string): Promise<ServerUser> {
  const self = process.getuid?.();
  const owner = await stat(clusterDir).catch(() => undefined);
  if (self !== 0) {
    if (owner === undefined || self === undefined || owner.uid === self) return {};
    throw new StackError(
      `${clusterDir} belongs to another user (uid ${owner.uid}, not ${userInfo().username}): ` +
        'run as that user, or choose another folder with --data',
    );
  }
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return (await lookUpPostgresUser()) ?? (await makePostgresUser());
}

async function lookUpPostgresUser(): Promise<Required<ServerUser> | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

async function makePostgresUser(): Promise<Required<ServerUser>> {
  const account = ['--system', '--gid', 'postgres', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  try {
    await run('groupadd', ['--force', '--system', 'postgres']);
    await run('useradd', [...account, 'postgres']);
  } catch (cause) {
    throw new StackError(
      'Postgres does not run as root, and an OS user "postgres" could not be made: run as an ordinary user',
      { cause },
    );
  }
  const made = await lookUpPostgresUser();
  if (made === undefined) throw new StackError('the OS user "postgres" was made but cannot be looked up');
  return made;
}
