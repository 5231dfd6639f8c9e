import type { HandlerFailure } from './invocation-error.ts';

/** What a worker is started with. */
export interface WorkerStart {
  /** URLs of modules that its handlers will need. */
  preload: readonly string[];
}

/** To a worker, first and once: what it is for. */
export interface EmployMessage {
  /** Function name to the URL of a module that exports `handler`. */
  handlers: Record<string, string>;
  /** The functions that are likely to be called, for idle time. */
  ahead: readonly string[];
  /** In addition to what it was started with. */
  env: Record<string, string>;
}

/** To a worker: run one invocation, while those that it has not answered yet go on. */
export interface InvokeMessage {
  requestId: string;
  functionName: string;
  event: unknown;
  /** When it times out, in ms since the epoch. */
  deadline: number;
}

/** From a worker: it can be invoked; then the answer to each invocation. */
export type WorkerMessage =
  | { kind: 'ready' }
  | { kind: 'result'; requestId: string; value: unknown }
  | { kind: 'error'; requestId: string; failure: HandlerFailure };
