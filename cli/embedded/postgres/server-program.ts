import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { isDiskFullLine } from '../machine/disk-full.ts';
import { StackError } from '../machine/stack-error.ts';
import type { ServerUser } from './server-user.ts';
import { serverEnvironment } from './settings.ts';

/**
 * Runs one of the server's programs to its end.
 *
 * @param what the words for it in an error, with its folder
 * @param stdin written to its standard input
 * @returns the lines of its standard error
 * @throws {StackError} it cannot be run, or ended with another code than 0
 */
export async function runServerProgram(
  what: string,
  program: string,
  args: readonly string[],
  { user, stdin = '' }: { user: ServerUser; stdin?: string },
): Promise<string[]> {
  // initdb asks for a working folder that its user may enter.
  const child = spawn(program, args, { ...user, cwd: '/', env: serverEnvironment, stdio: 'pipe' });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(explainServerFailure(what, [error.message])));
    child.once('close', resolve);
  });
  // A program that ends early closes the pipe; its exit code says so better.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  child.stdout.resume();
  const [output, code] = await Promise.all([text(child.stderr), ended]);
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  if (code !== 0) throw explainServerFailure(what, lines);
  return lines;
}

const fileFailures: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a file stands where a folder is needed',
  EEXIST: 'a file stands where a folder is needed',
};

/**
 * Makes one line of what a server program wrote before it ended.
 *
 * @param what failed, with its folder, such as `Postgres could not start in /x/postgres`
 * @param output its lines, oldest first
 */
export function explainServerFailure(what: string, output: readonly string[]): StackError {
  const full = output.find((line) => line.includes('No space left on device') || isDiskFullLine(line));
  if (full !== undefined) {
    const cause = Object.assign(new Error(full), { code: 'ENOSPC' });
    return new StackError(`${what}: the disk is full`, { cause });
  }
  const reasons = output.flatMap((line) => /(?:FATAL|PANIC|ERROR|error): +(.*)/.exec(line)?.[1] ?? []);
  // A postmaster whose recovery failed says last that a child process ended; the reason stands before.
  const reason = reasons.find((line) => !line.startsWith('the database system is')) ?? output.at(-1);
  return new StackError(`${what}: ${reason ?? 'it gave no reason'}`);
}

/** Names the folder in an error of the file system; everything else comes back as it is. */
export function explainFileFailure(folder: string, error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : fileFailures[code];
  if (error instanceof StackError || reason === undefined) return error;
  return new StackError(`cannot write to ${path ?? folder}: ${reason}`, { cause: error });
}
