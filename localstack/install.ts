import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePythonEnvironment } from '../scripts/programs/python-environment.ts';
import { findPython } from './find-python.ts';
import { lastLineOf, Unavailable } from './unavailable.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
// No bytecode in advance: most of what is installed is never imported.
const pinned = ['--no-compile', '--require-hashes', '--no-deps', '--only-binary', ':all:'];
const built = ['--no-binary', 'airspeed-ext,crontab,jsonpath-rw', '--no-build-isolation'];
const environment = {
  folder: pathOf('../.venv-localstack'),
  requirements: [
    { file: pathOf('requirements-build.txt'), options: pinned },
    { file: pathOf('requirements.txt'), options: [...pinned, ...built] },
  ],
};

/**
 * Installs LocalStack into a virtual environment of the project's own, unless it is there: every package is the one
 * of requirements.txt, to the hash.
 *
 * @param onInstall told that it has to be installed, which takes a minute or two
 * @returns the environment's Python
 * @throws {Unavailable} there is no fit Python, or a package cannot be had
 */
export async function installLocalStack(onInstall: () => void = () => {}): Promise<string> {
  const choosePython = async () => {
    const base = await findPython();
    if (base === undefined) throw new Unavailable('there is no Python 3.12 to 3.14 with venv and ensurepip');
    onInstall();
    return base;
  };
  try {
    return join(await makePythonEnvironment(environment, choosePython), 'python');
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    throw new Unavailable(`LocalStack cannot be installed: ${lastLineOf(error)}`, { cause: error });
  }
}
