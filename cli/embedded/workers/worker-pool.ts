import { randomUUID } from 'node:crypto';
import { TransientError } from '../../../shared/errors.ts';
import { makeFairQueue } from './fair-queue.ts';
import { type HandlerFailure, InvocationError } from './invocation-error.ts';
import { defaultTimeoutSeconds, type Invocation, type WorkerPool, type WorkerPoolOptions } from './pool.ts';
import type { WorkerMessage } from './worker-message.ts';
import { forkSpareWorker, type SpareWorker, type WorkerProcess } from './worker-process.ts';

/** What a worker takes to start, with both cores at work. */
const startMs = 250;
/** A slice that has been transformed leaves two objects to load: its rows and their dates. */
const fewWaiting = 2;

export type { WorkerPool, WorkerPoolOptions } from './pool.ts';

interface Slot {
  worker: WorkerProcess | undefined;
  state: 'starting' | 'ready' | 'ending';
  running: { invocation: Invocation; timer: NodeJS.Timeout } | undefined;
}

/**
 * Starts child processes that import each handler once and run one invocation at a time each, as Lambda's
 * execution environments do. Returns at once; the first one starts meanwhile, and the next ones when there is work for
 * them: where one is enough, a second would only take the other core's time.
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
  #growth: NodeJS.Timeout | undefined;
  #spare: SpareWorker | undefined;
  #stopped = false;

  constructor(options: WorkerPoolOptions) {
    this.size = options.size;
    this.#options = options;
    this.#spare = options.spare;
    const makeSlot = (): Slot => ({ worker: undefined, state: 'starting', running: undefined });
    this.#slots = Array.from({ length: options.size }, makeSlot);
  }

  start(): void {
    const [first] = this.#slots;
    if (first !== undefined) this.#fork(first);
  }

  invoke(functionName: string, event: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new TransientError(`${functionName}: the workers are stopped`));
      this.#queue.push(functionName, { requestId: randomUUID(), functionName, event, resolve, reject });
      this.#dispatch();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#growth);
    const why = new TransientError('the workers were stopped');
    for (const invocation of this.#queue.drain()) invocation.reject(why);
    for (const slot of this.#slots) this.#finish(slot)?.reject(why);
    await Promise.all(
      this.#slots.map(({ worker, state }) => {
        // In the middle of its imports it hears nothing for a while, and has nothing to lose.
        if (state === 'starting') worker?.kill();
        return worker?.stop();
      }),
    );
  }

  #fork(slot: Slot): void {
    const { handlers, env, isSteady = false, preload = [], ahead = [], onLog = () => {} } = this.#options;
    slot.state = 'starting';
    const worker = this.#spare ?? forkSpareWorker({ isSteady, preload });
    this.#spare = undefined;
    slot.worker = worker.employ(
      { handlers, ahead, env },
      {
        onLog,
        onMessage: (message) => this.#receive(slot, message),
        onExit: (how) => this.#bury(slot, { name: 'Runtime.ExitError', message: `the worker died: ${how}` }),
      },
    );
  }

  #dispatch(): void {
    for (const slot of this.#slots) {
      if (slot.state !== 'ready' || slot.running !== undefined) continue;
      const invocation = this.#queue.take();
      if (invocation === undefined) break;
      this.#run(slot, invocation);
    }
    this.#grow();
  }

  /**
   * Has a worker for each invocation that waits. Where few do, they wait for as long as a worker takes to start: most are
   * taken sooner by one that is there, and has done such work before.
   */
  #grow(): void {
    const lacking = this.#lackingSlots();
    const canWait = !this.#options.growsAhead && this.#queue.waiting() <= fewWaiting;
    if (lacking.length > 0 && canWait)
      this.#growth ??= setTimeout(() => this.#forkAll(this.#lackingSlots()), startMs);
    else this.#forkAll(lacking);
  }

  #lackingSlots(): Slot[] {
    const busy = this.#slots.filter(({ running }) => running !== undefined).length;
    const absent = this.#slots.filter(({ worker }) => worker === undefined);
    const alive = this.#slots.length - absent.length;
    const ahead = this.#options.growsAhead && busy > 0 ? 1 : 0;
    return absent.slice(0, Math.max(0, busy + this.#queue.waiting() + ahead - alive));
  }

  #forkAll(slots: readonly Slot[]): void {
    clearTimeout(this.#growth);
    this.#growth = undefined;
    for (const slot of slots) this.#fork(slot);
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
    if (message.kind === 'ready') slot.state = 'ready';
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
    // One that cannot start is tried again at the next invocation, not in a loop of its own.
    if (!neverStarted) this.#fork(slot);
    else if (this.#slots.every((other) => other.worker === undefined)) this.#rejectWaiting(failure);
  }

  #rejectWaiting(failure: HandlerFailure): void {
    for (const invocation of this.#queue.drain())
      invocation.reject(new InvocationError(invocation.functionName, failure));
  }
}
