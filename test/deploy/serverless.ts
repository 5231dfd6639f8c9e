import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, finished } from '../helpers/processes/starlift.ts';

const ownRoot = fileURLToPath(new URL('../..', import.meta.url));
const settings = {
  SLS_TELEMETRY_DISABLED: '1',
  SLS_NOTIFICATIONS_MODE: 'off',
  // How often osls asks how far the stack is, in milliseconds.
  SLS_AWS_MONITORING_FREQUENCY: '300',
  NO_COLOR: '1',
};

export interface ProgramOptions {
  cwd?: string;
  environment: Record<string, string>;
  /** Of the sources, with a slash at the end. */
  root?: string;
  /** What it reads from stdin. */
  input?: string;
}

/** Runs a program of the project as a user does, against the AWS of the environment. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd = '.', environment, root = ownRoot, input }: ProgramOptions,
): Promise<CommandResult> {
  // serverless-esbuild leaves what it zips in the folder for temporary files.
  const TMPDIR = await mkdtemp(join(tmpdir(), 'starlift-deploy-'));
  const child = spawn(process.execPath, [`${root}${program}`, ...args], {
    cwd: `${root}${cwd}`,
    env: {
      ...process.env,
      ...settings,
      ...environment,
      ...{ TMPDIR, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  try {
    return await finished(child);
  } finally {
    await rm(TMPDIR, { recursive: true, force: true });
  }
}

/** `npm run deploy`: all three services, by compose. */
export const deployAll = (stage: string, environment: Record<string, string>) =>
  runProgram('scripts/stage/deploy-stage.ts', ['--stage', stage], { environment });

/** `serverless remove` in the folder of one service. */
export const removeService = (service: string, stage: string, environment: Record<string, string>) =>
  runProgram('node_modules/osls/bin/serverless.js', ['remove', '--stage', stage], {
    cwd: `services/${service}`,
    environment,
  });

/** `serverless deploy` in the folder of one service. */
export const deployService = (
  service: string,
  args: readonly string[],
  environment: Record<string, string>,
  root?: string,
) =>
  runProgram('node_modules/osls/bin/serverless.js', ['deploy', ...args], {
    ...{ cwd: `services/${service}`, environment },
    ...(root !== undefined && { root }),
  });

/** `npm run remove`. */
export const removeStage = (args: readonly string[], environment: Record<string, string>) =>
  runProgram('cli/starlift.js', ['remove', ...args], { environment });
