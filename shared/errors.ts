/** What failed, in the words that an operator searches by. Never a row's values or a password. */
export interface FailureSubject {
  table?: string | undefined;
  key?: string | undefined;
}

type FailureDetails = FailureSubject & { cause?: unknown };

/**
 * A failure of the pipeline itself. Throw one of its children: they differ in what happens to the message, nothing else.
 */
export abstract class PipelineError extends Error {
  readonly table: string | undefined;
  readonly key: string | undefined;

  constructor(message: string, { table, key, cause }: FailureDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.table = table;
    this.key = key;
  }
}

/** Would succeed when tried again: the message goes back to its queue, later each time, and is a dead letter in the end. */
export class TransientError extends PipelineError {}

/** What refused: one of the databases, an AWS service, or whoever holds a lock. */
export type Refuser = 'source' | 'warehouse' | 'database' | 'AWS' | 'lock';

/**
 * The environment refused, which is not the message's fault: a server that cannot be connected to, a service that does not
 * answer, a full disk, a lock. The message waits for as long as it takes, and never becomes a dead letter for it.
 */
export class RefusedError extends TransientError {
  readonly by: Refuser;

  constructor(message: string, { by, ...details }: FailureDetails & { by: Refuser }) {
    super(message, details);
    this.by = by;
  }
}

/** Would fail again the same way: the message goes to the dead-letter queue at once. */
export class TerminalError extends PipelineError {}

/** An object in S3 is gone, or not what was put: no retry helps, and neither does sending its message again. */
export class LostObjectError extends TerminalError {}

/** A star table is gone from the warehouse with the rows that were loaded into it: only a rebuild brings them back. */
export class LostTableError extends TerminalError {
  /** That were loaded into it. */
  readonly rows: number;

  constructor(message: string, { rows, ...details }: FailureDetails & { rows: number }) {
    super(message, details);
    this.rows = rows;
  }
}

/** The same failure in other words, or with a subject that was not known where it was thrown. */
export function restate(
  error: PipelineError,
  changes: FailureSubject & { message?: string; by?: Refuser },
): PipelineError {
  const { message = error.message } = changes;
  const details: FailureDetails = {
    table: changes.table ?? error.table,
    key: changes.key ?? error.key,
    cause: error.cause,
  };
  if (error instanceof RefusedError)
    return new RefusedError(message, { ...details, by: changes.by ?? error.by });
  if (error instanceof LostObjectError) return new LostObjectError(message, details);
  if (error instanceof LostTableError) return new LostTableError(message, { ...details, rows: error.rows });
  return error instanceof TransientError
    ? new TransientError(message, details)
    : new TerminalError(message, details);
}
