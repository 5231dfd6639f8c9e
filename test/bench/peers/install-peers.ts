import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const venv = fileURLToPath(new URL('../../../.venv-bench', import.meta.url));
const basePython = process.env.PYTHON ?? 'python3';

/**
 * Installs the tools that Starlift is compared with into a virtual environment of the project's own, unless they
 * are there: the versions of requirements.txt.
 *
 * @returns the environment's folder of programs; undefined where there is no Python 3.10 or newer, or they cannot be
 * had: then the comparisons with them are left out
 */
export async function installPeers(): Promise<string | undefined> {
  if (!hasPython()) return leaveOut('there is no Python 3.10 or newer');
  const marker = join(venv, 'installed-requirements');
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const programs = join(venv, 'bin');
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return programs;
  try {
    await rm(venv, { recursive: true, force: true });
    await run(basePython, ['-m', 'venv', venv]);
    const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
    await run(join(programs, 'python'), ['-m', 'pip', 'install', ...options, '-r', requirements]);
  } catch (error) {
    return leaveOut((error as Error).message);
  }
  await writeFile(marker, wanted);
  return programs;
}

function hasPython(): boolean {
  try {
    execFileSync(basePython, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))'], {
      stdio: 'pipe',
    });
    return true;
  } catch {
    return false;
  }
}

function leaveOut(reason: string): undefined {
  process.stderr.write(`without DuckDB, dlt and Sling: ${reason}\n`);
  return undefined;
}
