/**
 * The embedded stack cannot run on this machine as it is: one line that names the problem and the fix. Exit 2.
 */
export class StackError extends Error {
  readonly exitCode = 2;

  constructor(message: string, { cause }: { cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}
