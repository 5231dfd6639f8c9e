import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readRequirement } from '../help/version.ts';
import { UsageError } from '../terminal/usage-error.ts';

/**
 * Finds osls, installed with Starlift or in the folder that a command is called in.
 *
 * @returns the path of its program
 * @throws {UsageError} it is not installed; names the package to install
 */
export function findOsls(): string {
  // npx runs Starlift from a folder of its own, where nobody installs anything.
  for (const from of [import.meta.url, pathToFileURL(`${process.cwd()}/`).href]) {
    try {
      return join(dirname(createRequire(from).resolve('osls/package.json')), 'bin/serverless.js');
    } catch {
      // Looked for in the next place.
    }
  }
  throw new UsageError(
    `to deploy takes osls, which is not installed. Type \`npm install --save-dev ${readRequirement('osls')}\`.`,
  );
}

export interface OslsCall {
  program: string;
  /** The service's. */
  folder: string;
  command: 'deploy' | 'remove' | 'package';
  stage: string;
  region: string;
  parameters: Readonly<Record<string, string>>;
  environment?: Record<string, string>;
}

/**
 * Runs osls for one service; what it says goes to stderr.
 *
 * @returns its exit code
 */
export function runOsls({
  program,
  folder,
  command,
  stage,
  region,
  parameters,
  ...more
}: OslsCall): Promise<number> {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    // osls takes none that is empty, and empty is the default of each that may be.
    value === '' ? [] : ['--param', `${name}=${value}`],
  );
  const child = spawn(process.execPath, [program, command, '--stage', stage, '--region', region, ...given], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    env: {
      ...process.env,
      AWS_REGION: region,
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
      ...more.environment,
    },
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
