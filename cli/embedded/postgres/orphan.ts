import { execFile } from 'node:child_process';
import { readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endPostmaster } from './postmaster.ts';

const run = promisify(execFile);

/**
 * Clears the way for a new server on a cluster: stops one that outlived the process that started it.
 *
 * The caller holds the data folder's lock, so no living process uses that server.
 */
export async function stopOrphan(clusterDir: string): Promise<void> {
  const lockFile = join(clusterDir, 'postmaster.pid');
  const lock = await readFile(lockFile, 'utf8').catch(() => undefined);
  const pid = Number.parseInt(lock ?? '', 10);
  if (lock === undefined || !(pid > 1)) return;
  if (await isPostmasterOf(pid, clusterDir)) {
    await endPostmaster(
      (signal) => signalProcess(pid, signal),
      (timeoutMs) => hasGone(pid, clusterDir, timeoutMs),
    );
  }
  await disownLockFile(lockFile);
}

/**
 * A postmaster killed by force leaves its lock file behind, and Postgres gives up when the process id in it is
 * taken (by another program after a reboot, in a container nearly always). Our own process id is one that
 * it ignores, being its parent's. The file is not removed: it also holds the shared memory's key, by which
 * Postgres sees that backends of the killed one are still at work.
 */
async function disownLockFile(lockFile: string): Promise<void> {
  const lock = await readFile(lockFile, 'utf8').catch(() => undefined);
  if (lock !== undefined) await writeFile(lockFile, lock.replace(/^.*/, String(process.pid)));
}

async function hasGone(pid: number, clusterDir: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await isPostmasterOf(pid, clusterDir)) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

// A process id is used again soon: only a postgres at work in this folder is ours to stop.
async function isPostmasterOf(pid: number, clusterDir: string): Promise<boolean> {
  try {
    const folder = await realpath(clusterDir);
    if (process.platform !== 'linux') {
      const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]);
      return stdout.includes('postgres') && stdout.includes(clusterDir);
    }
    // A zombie, which nobody may be there to reap, has no working folder any more.
    const [cwd, name] = await Promise.all([
      readlink(`/proc/${pid}/cwd`),
      readFile(`/proc/${pid}/comm`, 'utf8'),
    ]);
    return cwd === folder && name.trim() === 'postgres';
  } catch {
    return false;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
