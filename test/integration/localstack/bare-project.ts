import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, finished } from '../../helpers/processes/starlift.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What `npm run test:localstack` runs, in a folder without the packages, on a PATH with nothing but our own programs. */
export interface BareProject {
  addProgram(name: string, source: string): Promise<void>;
  run(env?: Record<string, string>): Promise<CommandResult>;
  /** A file that a program has written; empty where it has not. */
  read(name: string): Promise<string>;
  remove(): Promise<void>;
}

/** Says what it was started for, in place of the tests. */
const jest = `
  console.log('tests ran on ' + process.env.LOCALSTACK_ENDPOINT + ' with ' + process.argv.slice(4).join(' '));
  process.exitCode = Number(process.env.TESTS_EXIT ?? 0);
`;

export async function makeBareProject(): Promise<BareProject> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-bare-'));
  const programs = join(folder, 'bin');
  await mkdir(programs);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const scripts = ['scripts/programs/process-group.ts', 'scripts/programs/python-environment.ts'];
  for (const path of ['localstack', 'test/helpers/network/free-port.ts', ...scripts])
    await cp(join(root, path), join(folder, path), { recursive: true });
  await mkdir(join(folder, 'node_modules/jest/bin'), { recursive: true });
  await writeFile(join(folder, 'node_modules/jest/bin/jest.js'), jest);
  return {
    addProgram: async (name, source) => {
      await writeFile(join(programs, 'package.json'), '{ "type": "commonjs" }');
      await writeFile(join(programs, name), `#!${process.execPath}\n${source}`);
      await chmod(join(programs, name), 0o755);
    },
    run: (env = {}) => finished(spawnTests(folder, { PATH: programs, ...env })),
    read: (name) => readFile(join(programs, name), 'utf8').catch(() => ''),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const spawnTests = (folder: string, env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, ['localstack/run-tests.ts', '--json'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
