import { saysDiskFull } from '../disk-full.ts';
import { StackError } from '../stack-error.ts';

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
  const full = output.find((line) => line.includes('No space left on device') || saysDiskFull(line));
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
