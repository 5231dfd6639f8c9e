import { fileURLToPath } from 'node:url';
import { makePythonEnvironment } from '../../scripts/programs/python-environment.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Installs cfn-lint and checkov into a virtual environment of the project's own, unless they are there: every
 * package is the one of requirements.txt, to the hash.
 *
 * @returns the environment's folder of programs
 * @throws {Error} there is no Python 3.10 or newer (PYTHON names another than python3), or PyPI cannot be reached
 */
export const installLinters = (): Promise<string> =>
  makePythonEnvironment({
    folder: pathOf('../../.venv-templates'),
    requirements: [
      { file: pathOf('requirements.txt'), options: ['--require-hashes', '--only-binary', ':all:'] },
    ],
  });
