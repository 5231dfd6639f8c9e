import { randomUUID } from 'node:crypto';
import { TransientError } from '../../../shared/errors.ts';
import { makeFairQueue } from './fair-queue.ts';
import { type HandlerFailure, InvocationError } from './invocation-error.ts';
import { defaultTimeoutSeconds, type Invocation, type WorkerPool, type WorkerPoolOptions } from './pool.ts';
import type { WorkerMessage } from './worker-message.ts';
import { forkWorker, type WorkerProcess } from './worker-process.ts';

export type { WorkerPool, WorkerPoolOptions } from './pool.ts';

interface Slot {
  worker: WorkerProcess | undefined;
  state: 'starting' | 'ready' | 'ending';
  running: { invocation: Invocation; timer: NodeJS.Timeout } | undefined;
}

/**
 * Starts child processes that import the handlers once and run one invocation at a time each, as Lambda's
 * execution environments do. Returns at once; the workers start meanwhile.
 */
export function startWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const pool = new Pool(options);
  pool.start();
  return pool;
}

class Pool implements WorkerPool {
  readonly size: number;
  readonly #options: WorkerPoolOptions;
  readonly #slots: Slot[];
  readonly #queue = makeFairQueue<Invocation>();
  #stopped = false;

  constructor(options: WorkerPoolOptions) {
    this.size = options.size;
    this.#options = options;
    const makeSlot = (): Slot => ({ worker: undefined, state: 'starting', running: undefined });
    this.#slots = Array.from({ length: options.size }, makeSlot);
  }

  start(): void {
    for (const slot of this.#slots) if (slot.worker === undefined) this.#fork(slot);
  }

  invoke(functionName: string, event: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new TransientError(`${functionName}: the workers are stopped`));
      this.#queue.push(functionName, { requestId: randomUUID(), functionName, event, resolve, reject });
      // Workers that could not import their handlers are tried again here, not in a loop of their own.
      this.start();
      this.#dispatch();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const why = new TransientError('the workers were stopped');
    for (const invocation of this.#queue.drain()) invocation.reject(why);
    for (const slot of this.#slots) this.#finish(slot)?.reject(why);
    await Promise.all(this.#slots.map((slot) => slot.worker?.stop()));
  }

  #fork(slot: Slot): void {
    const { handlers, env, isSteady = false, onLog = () => {} } = this.#options;
    slot.state = 'starting';
    slot.worker = forkWorker(
      { handlers, env, isSteady, onLog },
      {
        onMessage: (message) => this.#receive(slot, message),
        onExit: (how) => this.#bury(slot, { name: 'Runtime.ExitError', message: `the worker died: ${how}` }),
      },
    );
  }

  #dispatch(): void {
    for (const slot of this.#slots) {
      if (slot.state !== 'ready' || slot.running !== undefined) continue;
      const invocation = this.#queue.take();
      if (invocation === undefined) return;
      this.#run(slot, invocation);
    }
  }

  #run(slot: Slot, invocation: Invocation): void {
    const { requestId, functionName, event } = invocation;
    const timeoutSeconds = this.#options.timeoutSeconds?.[functionName] ?? defaultTimeoutSeconds;
    const message = `the task timed out after ${timeoutSeconds} s`;
    const timer = setTimeout(() => {
      // The answer first: the exit that follows has no invocation left to blame.
      this.#finish(slot)?.reject(new InvocationError(functionName, { name: 'Sandbox.Timedout', message }));
      slot.state = 'ending';
      slot.worker?.kill();
    }, timeoutSeconds * 1000);
    slot.running = { invocation, timer };
    slot.worker?.run({ requestId, functionName, event, deadline: Date.now() + timeoutSeconds * 1000 });
  }

  #receive(slot: Slot, message: WorkerMessage): void {
    if (message.kind === 'broken') this.#rejectWaiting(message.failure);
    else if (message.kind === 'ready') slot.state = 'ready';
    else if (slot.running?.invocation.requestId !== message.requestId) return;
    else if (message.kind === 'result') this.#finish(slot)?.resolve(message.value);
    else {
      const invocation = this.#finish(slot);
      invocation?.reject(new InvocationError(invocation.functionName, message.failure));
    }
    this.#dispatch();
  }

  /** @returns the invocation that ran in the slot, which is free from here on */
  #finish(slot: Slot): Invocation | undefined {
    const running = slot.running;
    if (running === undefined) return undefined;
    clearTimeout(running.timer);
    slot.running = undefined;
    this.#queue.release(running.invocation.functionName);
    return running.invocation;
  }

  #bury(slot: Slot, failure: HandlerFailure): void {
    const neverStarted = slot.state === 'starting';
    slot.state = 'ending';
    slot.worker = undefined;
    const invocation = this.#finish(slot);
    invocation?.reject(new InvocationError(invocation.functionName, failure));
    if (this.#stopped) return;
    if (!neverStarted) this.#fork(slot);
    else if (this.#slots.every((other) => other.worker === undefined)) this.#rejectWaiting(failure);
  }

  #rejectWaiting(failure: HandlerFailure): void {
    for (const invocation of this.#queue.drain())
      invocation.reject(new InvocationError(invocation.functionName, failure));
  }
}
