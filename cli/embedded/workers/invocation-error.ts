/** What a failed handler says of itself, in the shape that crosses a process boundary. */
export interface HandlerFailure {
  name: string;
  message: string;
  stack?: string;
}

/** A handler threw, ran out of time, or its process died. The other invocations do not notice. */
export class InvocationError extends Error {
  readonly functionName: string;
  /** The class name of what the handler threw; `Runtime.ExitError`, `Sandbox.Timedout` as Lambda calls them. */
  readonly errorType: string;

  constructor(functionName: string, failure: HandlerFailure) {
    super(`${functionName}: ${failure.message}`);
    this.name = new.target.name;
    this.functionName = functionName;
    this.errorType = failure.name;
    // Where the handler failed, not where the answer was read.
    if (failure.stack !== undefined) this.stack = failure.stack;
  }
}

export function describeFailure(error: unknown): HandlerFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  return stack === undefined ? { name, message } : { name, message, stack };
}
