import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { seen } from '../../helpers/seen.ts';

/**
 * Copies a data folder that is the same for many tests. The first test of a test run that needs it makes it, and the
 * others wait for it.
 *
 * @param name of the folder: what has been done in it
 * @param data the empty folder to fill
 * @param prepare makes the folder that it is given, and releases it
 */
export async function copyPreparedFolder(
  name: 'opened' | 'loaded',
  data: string,
  prepare: (data: string) => Promise<void>,
): Promise<void> {
  const { RUN_FOLDER: run } = process.env;
  if (run === undefined) return prepare(data);
  const prepared = join(run, name);
  await seen(async () => existsSync(prepared) || (await prepareAlone(prepared, prepare)));
  await promisify(execFile)('cp', ['-Rp', `${prepared}/.`, data]);
}

/** @returns false while another process makes it */
async function prepareAlone(prepared: string, prepare: (data: string) => Promise<void>): Promise<boolean> {
  const lock = `${prepared}.lock`;
  try {
    await mkdir(lock);
  } catch {
    return false;
  }
  const unfinished = `${prepared}.unfinished`;
  try {
    if (existsSync(prepared)) return true;
    await prepare(unfinished);
    await rename(unfinished, prepared);
    return true;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    await rmdir(lock);
  }
}
