import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const venv = fileURLToPath(new URL('../../.venv-templates', import.meta.url));

/**
 * Installs cfn-lint and checkov into a virtual environment of the project's own, unless they are there: every
 * package is the one of requirements.txt, to the hash.
 *
 * @returns the environment's folder of programs
 * @throws {Error} there is no Python 3.10 or newer (PYTHON names another than python3), or PyPI cannot be reached
 */
export async function installLinters(): Promise<string> {
  const marker = join(venv, 'installed-requirements');
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const programs = join(venv, 'bin');
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return programs;
  await rm(venv, { recursive: true, force: true });
  await run(process.env.PYTHON ?? 'python3', ['-m', 'venv', venv]);
  const options = ['--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary', ':all:'];
  await run(join(programs, 'python'), ['-m', 'pip', 'install', ...options, '-r', requirements]);
  await writeFile(marker, wanted);
  return programs;
}
