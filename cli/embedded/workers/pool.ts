import type { SpareWorker } from './worker-process.ts';

/** Runs functions as Lambda does: by name, on an event, with a context. */
export interface WorkerPool {
  /**
   * Runs the function on the event, as soon as there is room; once, unless its process dies of another invocation.
   *
   * @throws {InvocationError} the handler threw, timed out, or its process died
   * @throws {TransientError} the pool was stopped
   */
  invoke(functionName: string, event: unknown): Promise<unknown>;
  /** Ends all workers; what runs or waits is rejected. */
  stop(): Promise<void>;
}

export interface WorkerPoolOptions {
  /** Processes, at most. */
  size: number;
  /** How many invocations of a function a process runs at the same time; 1 of one that is not named. */
  concurrency?: Record<string, number>;
  /** Function name to the URL of a module that exports `handler`. */
  handlers: Record<string, string>;
  /** The workers' environment; of our own they get PATH only. */
  env: Record<string, string>;
  /** Per function; 900 (Lambda's most) when not given. The worker of one that exceeds it is killed, as on Lambda. */
  timeoutSeconds?: Record<string, number>;
  /** A worker that was started ahead, to be the first. */
  spare?: SpareWorker;
  /** URLs of modules that the handlers need: a worker imports them before it knows its handlers. */
  preload?: readonly string[];
  /** Functions whose handlers a worker imports in idle time, the first of them before anything else. */
  ahead?: readonly string[];
  /** Gets each line that a worker writes. */
  onLog?: (line: string) => void;
}

/** One call that waits or runs, and whom to answer. */
export interface Invocation {
  requestId: string;
  functionName: string;
  event: unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export const defaultTimeoutSeconds = 900;
