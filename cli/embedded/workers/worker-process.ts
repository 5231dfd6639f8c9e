import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HandlerFailure } from './invocation-error.ts';
import { moduleAt } from './module-at.ts';

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

export interface SpareWorkerOptions {
  /** URLs of modules that its handlers will need. */
  preload?: readonly string[];
}

/** A worker that has no handlers yet. */
export interface SpareWorker {
  /** It reports `ready`. */
  employ(message: EmployMessage, events: WorkerEvents): WorkerProcess;
  /** Ends it, unless it was employed. */
  discard(): void;
}

export interface WorkerProcess {
  run(message: InvokeMessage): void;
  /** Kills it, and resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

/** Who owns a worker hears of it by these; onExit once, last. */
export interface WorkerEvents {
  onLog(line: string): void;
  onMessage(message: WorkerMessage): void;
  /** @param how it ended, such as `signal SIGKILL` or `exit code 1` */
  onExit(how: string): void;
}

// A slice is tens of megabytes of short-lived buffers. Left alone, V8 lets the young generation grow to 96 MB (see
// setHeapGrowth), and glibc keeps what is freed in an arena for each of libuv's threads. In one arena buffers of all sizes
// take each other's place: a fourth fewer pages are asked of the system, which clears each, than where the large ones are
// given back to it at once, 2 % of a run, and ten million rows take as much as one.
export const memoryFlags = ['--max-semi-space-size=1'];
export const memoryEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TOP_PAD_: String(8 * 2 ** 20),
};

/** Forks a worker. Until it is employed, it imports the modules of `preload`. */
export function forkSpareWorker({ preload = [] }: SpareWorkerOptions): SpareWorker {
  const given: WorkerStart = { preload };
  const child = fork(fileURLToPath(moduleAt('cli/embedded/workers/worker')), [JSON.stringify(given)], {
    // Not our own flags: a debugger's port is taken, a test runner's are not the worker's.
    execArgv: memoryFlags,
    env: { PATH: process.env.PATH, ...memoryEnvironment, ...compileCache() },
    silent: true,
  });
  const gone = whenGone(child);
  let isEmployed = false;
  return {
    employ: (message, events) => {
      isEmployed = true;
      return employ(child, gone, message, events);
    },
    discard: () => {
      if (!isEmployed) child.kill('SIGKILL');
    },
  };
}

function employ(
  child: ChildProcess,
  gone: Promise<string>,
  message: EmployMessage,
  events: WorkerEvents,
): WorkerProcess {
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface({ input: stream }).on('line', events.onLog);
  child.on('message', (answer) => events.onMessage(answer as WorkerMessage));
  const buried = gone.then(events.onExit);
  // A send to a dead process fails here and again as its exit, where it is answered.
  const send = (content: EmployMessage | InvokeMessage) => void child.send(content, () => {});
  send(message);
  return {
    run: send,
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGKILL');
      await buried;
    },
  };
}

/** What this process has compiled, or one before it, is compiled for its workers too. */
function compileCache(): Record<string, string> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

function whenGone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.once('error', (error) => {
      // A failed send is an 'error' too, of a process that lives or whose 'exit' follows.
      if (child.pid === undefined) resolve(error.message);
    });
  });
}
