import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PythonEnvironment {
  /** The folder of the virtual environment. */
  folder: string;
  /** What pip installs into it, in this order: a requirements file, and pip's options for it. */
  requirements: readonly { file: string; options: readonly string[] }[];
}

/**
 * Makes a virtual environment with the packages of the requirements files, unless there is one with exactly those.
 *
 * @param findPython finds the Python to make it with, when it has to be made; by default PYTHON or python3
 * @returns the environment's folder of programs, `python` among them
 * @throws {Error} any error of findPython; Python does not exist, or a package cannot be installed
 */
export async function makePythonEnvironment(
  { folder, requirements }: PythonEnvironment,
  findPython: () => string | Promise<string> = () => process.env.PYTHON ?? 'python3',
): Promise<string> {
  const programs = join(folder, 'bin');
  const python = join(programs, 'python');
  const marker = join(folder, 'installed-requirements');
  const wanted = await hashOf(requirements.map(({ file }) => file));
  // The environment's Python is a link, and its target may have been removed.
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted && existsSync(python)) return programs;
  const base = await findPython();
  await rm(folder, { recursive: true, force: true });
  try {
    await run(base, ['-m', 'venv', folder]);
    for (const { file, options } of requirements) {
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...options];
      await run(python, [...pip, '-r', file]);
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  await writeFile(marker, wanted);
  return programs;
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}
