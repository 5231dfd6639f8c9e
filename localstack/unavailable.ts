/** LocalStack cannot be had on this machine in one of the two ways; the message says what is missing. */
export class Unavailable extends Error {
  constructor(reason: string, { cause }: { cause?: unknown } = {}) {
    super(reason, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** The last line that says something of what a program wrote. */
export function lastLineOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(message);
  return text.trim().split('\n').at(-1) ?? '';
}
