import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePythonEnvironment } from '../../scripts/programs/python-environment.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Installs MiniStack into a virtual environment of the project's own, unless it is there: every package is the one
 * of requirements.txt, to the hash.
 *
 * @returns the environment's Python
 * @throws {Error} there is no Python 3.10 or newer (PYTHON names another than python3), or PyPI cannot be reached
 */
export async function installMiniStack(): Promise<string> {
  const options = ['--require-hashes', '--only-binary', ':all:'];
  const programs = await makePythonEnvironment({
    folder: pathOf('../../.venv-ministack'),
    requirements: [{ file: pathOf('requirements.txt'), options }],
  });
  return join(programs, 'python');
}
