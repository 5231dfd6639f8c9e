import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type CommandResult, finished } from '../helpers/processes/starlift.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder of a user's own, with the package that npm pack makes and the osls of this clone. */
export interface InstalledProject {
  folder: string;
  /** A command of the package, called in the folder, with this environment in place of the usual one. */
  starlift(
    args: string,
    more?: { environment?: Record<string, string>; input?: string },
  ): Promise<CommandResult>;
  remove(): Promise<void>;
}

/** @param environment of every command that has none of its own */
export async function installProject(environment: Record<string, string>): Promise<InstalledProject> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-project-'));
  const npm = (cwd: string, ...args: string[]) => promisify(execFile)('npm', args, { cwd });
  await npm(root, 'pack', '--pack-destination', folder);
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', `./${tarball}`);
  await symlink(join(root, 'node_modules/osls'), join(folder, 'node_modules/osls'));
  const program = join(folder, 'node_modules/starlift/cli/starlift.js');
  return {
    folder,
    starlift: (args, { environment: own = environment, input } = {}) => {
      // As `npx` calls it, and not as the test's own npm was called.
      const { INIT_CWD, STARLIFT_PROJECT, ...rest } = process.env;
      const child = spawn(process.execPath, [program, ...args.split(' ')], {
        cwd: folder,
        env: { ...rest, FORCE_COLOR: undefined, NO_COLOR: '1', ...own },
      });
      child.stdin.end(input);
      return finished(child);
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}
