import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { seen } from '../../helpers/seen.ts';

/**
 * Copies a data folder in which one run has loaded the whole sample shop. The first test of a test run that needs the
 * folder makes it, and the others wait for it: a copy costs far less than a run.
 *
 * @param data the empty folder to fill
 * @param load makes and loads the folder that it is given, and releases it
 */
export async function copyLoadedFolder(data: string, load: (data: string) => Promise<void>): Promise<void> {
  const { RUN_FOLDER: run } = process.env;
  if (run === undefined) return load(data);
  const loaded = join(run, 'loaded');
  await seen(async () => existsSync(loaded) || (await loadAlone(run, loaded, load)));
  await promisify(execFile)('cp', ['-Rp', `${loaded}/.`, data]);
}

/** @returns false while another process makes it */
async function loadAlone(
  run: string,
  loaded: string,
  load: (data: string) => Promise<void>,
): Promise<boolean> {
  const lock = join(run, 'loading');
  try {
    await mkdir(lock);
  } catch {
    return false;
  }
  const unfinished = join(run, 'unfinished');
  try {
    if (existsSync(loaded)) return true;
    await load(unfinished);
    await rename(unfinished, loaded);
    return true;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    await rmdir(lock);
  }
}
