/** The user asked for something that cannot be: one line that names the option or variable, exit 2. */
export class UsageError extends Error {
  readonly exitCode = 2;
}
