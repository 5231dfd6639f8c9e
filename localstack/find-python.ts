import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What requirements.txt has hashes for. LocalStack itself wants 3.12: on 3.11 it starts, then answers 500. */
const versions = ['3.13', '3.12', '3.14'];

/**
 * The path of a Python that can make LocalStack's virtual environment: the one that PYTHON names, one on the PATH,
 * or one of pyenv's.
 */
export async function findPython(): Promise<string | undefined> {
  const named = process.env.PYTHON === undefined ? [] : [process.env.PYTHON];
  for (const command of [...named, ...versions.map((version) => `python${version}`), 'python3']) {
    const path = await pathIfFit(command);
    if (path !== undefined) return path;
  }
  for (const version of versions) {
    // pyenv's own commands on the PATH answer for the version that is in use only.
    const prefix = await outputOf('pyenv', ['prefix', version]);
    const path = prefix === undefined ? undefined : await pathIfFit(join(prefix, 'bin', 'python'));
    if (path !== undefined) return path;
  }
  return undefined;
}

// Debian's python3 has no ensurepip until python3-venv is installed.
const program =
  'import ensurepip, sys, venv; print(sys.executable if (3, 12) <= sys.version_info < (3, 15) else "")';

async function pathIfFit(command: string): Promise<string | undefined> {
  return (await outputOf(command, ['-c', program])) || undefined;
}

async function outputOf(command: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { timeout: 20_000 })).stdout.trim();
  } catch {
    return undefined;
  }
}
