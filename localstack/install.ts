import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPython } from './find-python.ts';
import { lastLineOf, Unavailable } from './unavailable.ts';

const run = promisify(execFile);
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const venv = pathOf('../.venv-localstack');
const fromSource = 'airspeed-ext,crontab,jsonpath-rw';

/**
 * Installs LocalStack into a virtual environment of the project's own, unless it is there: every package is the one
 * of requirements.txt, to the hash.
 *
 * @param onInstall told that it has to be installed, which takes a minute or two
 * @returns the environment's Python
 * @throws {Unavailable} there is no fit Python, or a package cannot be had
 */
export async function installLocalStack(onInstall: () => void = () => {}): Promise<string> {
  const marker = join(venv, 'installed-requirements');
  const wanted = createHash('sha256')
    .update(await readFile(pathOf('requirements.txt')))
    .update(await readFile(pathOf('requirements-build.txt')))
    .digest('hex');
  const python = join(venv, 'bin', 'python');
  // The environment's Python is a link to one that may have gone since.
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted && existsSync(python)) return python;
  const base = await findPython();
  if (base === undefined) throw new Unavailable('there is no Python 3.12 to 3.14 with venv and ensurepip');
  onInstall();
  try {
    await makeEnvironment(base, python);
  } catch (error) {
    await rm(venv, { recursive: true, force: true });
    throw new Unavailable(`LocalStack cannot be installed: ${lastLineOf(error)}`, { cause: error });
  }
  await writeFile(marker, wanted);
  return python;
}

async function makeEnvironment(base: string, python: string): Promise<void> {
  await rm(venv, { recursive: true, force: true });
  await run(base, ['-m', 'venv', venv]);
  // No bytecode in advance: most of what is installed is never imported.
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  const pinned = ['--require-hashes', '--no-deps', '--only-binary', ':all:'];
  await run(python, [...pip, ...pinned, '-r', pathOf('requirements-build.txt')]);
  const built = ['--no-binary', fromSource, '--no-build-isolation'];
  await run(python, [...pip, ...pinned, ...built, '-r', pathOf('requirements.txt')]);
}
