import { randomUUID } from 'node:crypto';
import { TransientError } from '../../../shared/errors.ts';
import { type HandlerFailure, InvocationError } from './invocation-error.ts';
import { startWorker, type WorkerMessage, type WorkerProcess } from './worker-process.ts';

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
  /** Functions that are called soon: a worker is ready once it has imported their handlers; none where it is left out. */
  importsAhead?: readonly string[];
  /** The workers' environment; of ours they get PATH only. */
  env: Record<string, string>;
  /** Per function; 900 (Lambda's most) when not given. The worker of one that exceeds it is killed, as on Lambda. */
  timeoutSeconds?: Record<string, number>;
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

/** A process, or the place of one. */
interface Slot {
  worker: WorkerProcess | undefined;
  state: 'absent' | 'starting' | 'ready' | 'ending';
  running: Map<string, Running>;
}

interface Running {
  invocation: PooledInvocation;
  timer: NodeJS.Timeout;
}

interface PooledInvocation extends Invocation {
  /** Its process died with several invocations in it, so it runs alone the next time. */
  isSuspect?: boolean;
}

/**
 * Starts child processes that call handlers as Lambda's execution environments do, several of them in each process: one
 * of each function, or as many as `concurrency` says. While one waits for Postgres another one computes.
 *
 * An invocation that kills its process fails alone: the others of the process run again, each in a process of its own.
 *
 * Returns at once; the first process starts meanwhile, and the next ones when an invocation finds no room.
 */
export function startWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const pool = new Pool(options);
  pool.start();
  return pool;
}

class Pool implements WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: Slot[];
  #waiting: PooledInvocation[] = [];
  #stopped = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    const makeSlot = (): Slot => ({ worker: undefined, state: 'absent', running: new Map() });
    this.#slots = Array.from({ length: options.size }, makeSlot);
  }

  start(): void {
    this.#grow();
  }

  invoke(functionName: string, event: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new TransientError(`${functionName}: the workers are stopped`));
      this.#waiting.push({ requestId: randomUUID(), functionName, event, resolve, reject });
      this.#dispatch();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const why = new TransientError('the workers were stopped');
    const running = this.#slots.flatMap((slot) => this.#finishAll(slot));
    for (const { reject } of [...running, ...this.#waiting.splice(0)]) reject(why);
    await Promise.all(this.#slots.map(({ worker }) => worker?.stop()));
  }

  /** Starts the next process, unless one is starting. */
  #grow(): void {
    const slot = this.#slots.find(({ state }) => state === 'absent');
    if (slot !== undefined && this.#slots.every(({ state }) => state !== 'starting')) this.#fork(slot);
  }

  #fork(slot: Slot): void {
    const { handlers, importsAhead = [], env, onLog = () => {} } = this.#options;
    slot.state = 'starting';
    slot.worker = startWorker(
      { handlers, importsAhead, env },
      {
        onLog,
        onMessage: (message) => this.#receive(slot, message),
        onExit: (how) =>
          this.#handleExit(slot, { name: 'Runtime.ExitError', message: `the worker died: ${how}` }),
      },
    );
  }

  #dispatch(): void {
    const staying: PooledInvocation[] = [];
    for (const invocation of this.#waiting) {
      // A suspect has to run alone, so nothing starts before it.
      const slot = staying.some(({ isSuspect }) => isSuspect) ? undefined : this.#findRoom(invocation);
      if (slot === undefined) staying.push(invocation);
      else this.#run(slot, invocation);
    }
    this.#waiting = staying;
    if (staying.length > 0) this.#grow();
  }

  /** @returns the least busy process that has room for it */
  #findRoom(invocation: PooledInvocation): Slot | undefined {
    const roomy = this.#slots.filter((slot) => this.#hasRoom(slot, invocation));
    return roomy.sort((a, b) => a.running.size - b.running.size)[0];
  }

  #hasRoom({ state, running }: Slot, { functionName, isSuspect }: PooledInvocation): boolean {
    if (state !== 'ready') return false;
    if (isSuspect) return running.size === 0;
    const others = [...running.values()].map(({ invocation }) => invocation);
    const same = others.filter((other) => other.functionName === functionName).length;
    return (
      same < (this.#options.concurrency?.[functionName] ?? 1) && !others.some((other) => other.isSuspect)
    );
  }

  #run(slot: Slot, invocation: PooledInvocation): void {
    const { requestId, functionName, event } = invocation;
    const timeoutSeconds = this.#options.timeoutSeconds?.[functionName] ?? defaultTimeoutSeconds;
    const message = `the task timed out after ${timeoutSeconds} s`;
    const timer = setTimeout(() => {
      // The answer first: the exit that follows must not be blamed on the others in the process.
      slot.state = 'ending';
      this.#finish(slot, requestId)?.reject(
        new InvocationError(functionName, { name: 'Sandbox.Timedout', message }),
      );
      slot.worker?.kill();
    }, timeoutSeconds * 1000);
    slot.running.set(requestId, { invocation, timer });
    slot.worker?.run({ requestId, functionName, event, timeoutMs: timeoutSeconds * 1000 });
  }

  #receive(slot: Slot, message: WorkerMessage): void {
    if (message.kind === 'ready') slot.state = 'ready';
    else {
      const invocation = this.#finish(slot, message.requestId);
      if (message.kind === 'result') invocation?.resolve(message.value);
      else invocation?.reject(new InvocationError(invocation.functionName, message.failure));
    }
    this.#dispatch();
  }

  /** @returns the invocation, or undefined if it was answered before */
  #finish(slot: Slot, requestId: string): PooledInvocation | undefined {
    const running = slot.running.get(requestId);
    clearTimeout(running?.timer);
    slot.running.delete(requestId);
    return running?.invocation;
  }

  #finishAll(slot: Slot): PooledInvocation[] {
    return [...slot.running.keys()].flatMap((requestId) => this.#finish(slot, requestId) ?? []);
  }

  #handleExit(slot: Slot, failure: HandlerFailure): void {
    const { state } = slot;
    slot.state = 'absent';
    slot.worker = undefined;
    const victims = this.#finishAll(slot);
    const [victim] = victims;
    // The invocation that timed out has its answer already, and the others in the process are not at fault.
    if (victim !== undefined && victims.length === 1 && state !== 'ending')
      victim.reject(new InvocationError(victim.functionName, failure));
    else this.#runAgain(victims, failure);
    if (this.#stopped) return;
    // A process that cannot start is started again by the next invocation, not in a loop.
    if (state !== 'starting') this.#grow();
    else if (this.#slots.every((other) => other.state === 'absent')) this.#rejectWaiting(failure);
  }

  /** Runs each alone, to find out which of them killed the process. */
  #runAgain(victims: readonly PooledInvocation[], { message }: HandlerFailure): void {
    if (victims.length === 0) return;
    const names = victims.map(({ functionName }) => functionName).join(', ');
    this.#options.onLog?.(`${message}; each invocation that it ran runs again alone: ${names}`);
    this.#waiting.unshift(...victims.map((invocation) => ({ ...invocation, isSuspect: true })));
  }

  #rejectWaiting(failure: HandlerFailure): void {
    for (const { functionName, reject } of this.#waiting.splice(0))
      reject(new InvocationError(functionName, failure));
  }
}
