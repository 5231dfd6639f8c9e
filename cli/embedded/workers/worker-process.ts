import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HandlerFailure } from './invocation-error.ts';
import { moduleAt } from './module-at.ts';

/** What a worker is started with. */
export interface WorkerStart {
  /** Function name to the URL of a module that exports `handler`. */
  handlers: Record<string, string>;
  /** Functions whose handlers it imports before it is ready. */
  importsAhead: readonly string[];
  /** Its environment; of ours it gets PATH only. */
  env: Record<string, string>;
}

/** To a worker: run one invocation, while those that it has not answered yet go on. */
export interface InvokeMessage {
  requestId: string;
  functionName: string;
  event: unknown;
  timeoutMs: number;
}

/** From a worker: it can be invoked; then the answer to each invocation. */
export type WorkerMessage =
  | { kind: 'ready' }
  | { kind: 'result'; requestId: string; value: unknown }
  | { kind: 'error'; requestId: string; failure: HandlerFailure };

export interface WorkerProcess {
  run(message: InvokeMessage): void;
  /** Kills it, and resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

/** What a worker reports to its owner. onExit comes once, and last. */
export interface WorkerEvents {
  onLog(line: string): void;
  onMessage(message: WorkerMessage): void;
  /** @param how it ended, such as `signal SIGKILL` or `exit code 1` */
  onExit(how: string): void;
}

// A slice is tens of megabytes of short-lived buffers, and by itself glibc keeps what is freed in an arena for each of
// libuv's threads, and gives large buffers back to the system at once, which clears each page that it hands out again. In
// one arena that keeps them, buffers of all sizes take each other's place (docs/benchmarks.md).
export const memoryEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TOP_PAD_: String(8 * 2 ** 20),
};

/** Starts a worker. It reports `ready`, and imports any other handler's module when the handler is first called. */
export function startWorker({ env, ...start }: WorkerStart, events: WorkerEvents): WorkerProcess {
  const child = fork(fileURLToPath(moduleAt('cli/embedded/workers/worker')), [JSON.stringify(start)], {
    // Not our own flags: a debugger's port is taken, a test runner's are not the worker's.
    execArgv: [],
    env: { PATH: process.env.PATH, ...memoryEnvironment, ...compileCache(), ...env },
    silent: true,
  });
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface({ input: stream }).on('line', events.onLog);
  child.on('message', (answer) => events.onMessage(answer as WorkerMessage));
  const exited = waitForExit(child).then(events.onExit);
  return {
    // A send to a dead process fails here and again as its exit, where it is answered.
    run: (message) => void child.send(message, () => {}),
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Workers use the compiled code of this process and of those before it. */
function compileCache(): Record<string, string> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

function waitForExit(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.once('error', (error) => {
      // A failed send is an 'error' too, of a process that lives or whose 'exit' follows.
      if (child.pid === undefined) resolve(error.message);
    });
  });
}
