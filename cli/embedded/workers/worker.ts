import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { describeFailure } from './invocation-error.ts';
import { makeContext } from './lambda-context.ts';
import type { InvokeMessage, WorkerMessage, WorkerStart } from './worker-process.ts';

// The main module of a worker process: argv[2] is the JSON of what it is started with, but for its environment. A handler is
// an execution environment of its function, as on Lambda: it runs one invocation at a time, and what its module holds, a
// connection for one, is its own.

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

// The channel closes when the parent ends for any reason: a worker never outlives it.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
// Ctrl-C, or what ends a terminal's job, reaches every process of it; the parent decides when the work in flight is over.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});

collectInTime();

const { handlers: modules, importsAhead } = JSON.parse(String(process.argv[2])) as Omit<WorkerStart, 'env'>;
const made = new Map<string, number>();
const free = new Map<string, Promise<Handler>[]>();
const called = new Set<string>();
let answered = 0;
// One that cannot be imported is reported when it is called.
await Promise.allSettled(importsAhead.map(importAhead));
process.on('message', (message) => void answer(message as InvokeMessage));
send({ kind: 'ready' });

async function answer({ requestId, functionName, event, timeoutMs }: InvokeMessage): Promise<void> {
  const isFirst = !called.has(functionName);
  called.add(functionName);
  const making = findFree(functionName).pop() ?? makeHandler(functionName);
  try {
    const handler = await making;
    const value = await handler(event, makeContext(functionName, requestId, timeoutMs));
    send({ kind: 'result', requestId, value });
  } catch (error) {
    send({ kind: 'error', requestId, failure: describeFailure(error) });
  } finally {
    findFree(functionName).push(making);
    // It is killed in the end: what the function has compiled is kept now.
    if (isFirst) flushCompileCache();
    answered++;
    if (answered === keepSmallAfter) keepSmall();
  }
}

/**
 * A slice is tens of megabytes of short-lived buffers, which hang on small objects of the young generation and come back when
 * that is collected. Left alone, V8 lets it grow first; and where buffers alone have grown, it marks the whole heap to find
 * little (docs/benchmarks.md). Before any handler is imported: V8 takes no compiled code that was cached under other flags.
 */
function collectInTime(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  // The V8 of an older Node says that it does not know it, into the middle of the run's output.
  if (Number(process.versions.node.split('.')[0]) >= 24)
    setFlagsFromString('--external-memory-accounted-in-global-limit');
  // A function that was not called between a few collections would be compiled anew.
  setFlagsFromString('--no-flush-bytecode');
}

/** Only a watch gets there, and by then all handlers are imported. */
const keepSmallAfter = 100;

/** Left alone, V8 lets the old generation grow for hundreds of runs, as in the process of the watch itself. */
function keepSmall(): void {
  setFlagsFromString('--heap-growing-percent=20');
}

function importAhead(functionName: string): Promise<Handler> {
  const making = makeHandler(functionName);
  findFree(functionName).push(making);
  return making;
}

/** @returns the handlers of a function that run nothing */
function findFree(functionName: string): Promise<Handler>[] {
  const handlers = free.get(functionName) ?? [];
  free.set(functionName, handlers);
  return handlers;
}

/** The module is evaluated again for each handler; what it imports is not. */
async function makeHandler(functionName: string): Promise<Handler> {
  const url = modules[functionName];
  if (url === undefined) throw new Error(`there is no function ${functionName}`);
  const number = made.get(url) ?? 0;
  made.set(url, number + 1);
  const { handler } = (await import(number === 0 ? url : `${url}?${number}`)) as { handler?: unknown };
  if (typeof handler !== 'function') throw new Error(`${url} exports no function named handler`);
  return handler as Handler;
}

function send(message: WorkerMessage): void {
  // A channel that closed meanwhile is the end of this process; 'disconnect' says so.
  process.send?.(message, () => {});
}
