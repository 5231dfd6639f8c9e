import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { makePythonEnvironment } from '../../../scripts/programs/python-environment.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const environment = {
  folder: pathOf('../../../.venv-bench'),
  requirements: [{ file: pathOf('requirements.txt'), options: ['--only-binary', ':all:'] }],
};
const basePython = process.env.PYTHON ?? 'python3';

/**
 * Installs the tools that Starlift is compared with into a virtual environment of the project's own, unless they
 * are there: the versions of requirements.txt.
 *
 * @returns the environment's folder of programs; undefined where there is no Python 3.10 or newer, or they cannot be
 * had: then the comparisons with them are left out
 */
export async function installPeers(): Promise<string | undefined> {
  try {
    return await makePythonEnvironment(environment, findPython);
  } catch (error) {
    process.stderr.write(`without DuckDB, dlt and Sling: ${(error as Error).message}\n`);
    return undefined;
  }
}

function findPython(): string {
  try {
    execFileSync(basePython, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))'], {
      stdio: 'pipe',
    });
    return basePython;
  } catch (cause) {
    throw new Error('there is no Python 3.10 or newer', { cause });
  }
}
