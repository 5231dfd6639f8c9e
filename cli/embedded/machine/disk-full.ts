import { TransientError } from '../../../shared/errors.ts';

/**
 * SQLITE_FULL, and SQLITE_IOERR_SHMSIZE and SQLITE_IOERR_SHMMAP: the index of its log could not grow.
 * https://www.sqlite.org/rescode.html
 */
const sqliteCodes: readonly unknown[] = [13, 4874, 5386];
const systemCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** Whether a write failed because the disk is full. */
export function isDiskFull(error: unknown): boolean {
  const { code, errcode, cause } = Object(error) as { code?: unknown; errcode?: unknown; cause?: unknown };
  if (systemCodes.includes(code) || sqliteCodes.includes(errcode)) return true;
  return cause !== undefined && isDiskFull(cause);
}

/** Whether a line of a Postgres server's log reports a full disk. Shared memory is not a disk. */
export const isDiskFullLine = (line: string): boolean =>
  /(ERROR|FATAL|PANIC|LOG|WARNING): .*(No space left on device|wrote only \d+ of \d+ bytes)/i.test(line) &&
  !line.includes('shared memory');

/** The error that a command ends with. Unfinished work stays in the queues, or the next run finds it. */
export const diskFull = (folder: string, cause: unknown): TransientError =>
  new TransientError(
    `the disk of ${folder} is full: make room there, and run again to carry on (nothing is lost)`,
    { cause },
  );
