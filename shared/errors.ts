/** What failed, in the words that an operator searches by. Never a row's values or a password. */
export interface FailureSubject {
  table?: string;
  key?: string;
}

/**
 * A failure of the pipeline itself. Throw one of its two children: they differ in what happens to the
 * message, nothing else.
 */
export abstract class PipelineError extends Error {
  readonly table: string | undefined;
  readonly key: string | undefined;

  constructor(message: string, { table, key, cause }: FailureSubject & { cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.table = table;
    this.key = key;
  }
}

/** Would succeed when tried again: the message goes back to its queue, later each time. */
export class TransientError extends PipelineError {}

/** Would fail again the same way: the message goes to the dead-letter queue at once. */
export class TerminalError extends PipelineError {}
