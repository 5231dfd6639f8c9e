import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { describeFailure } from './invocation-error.ts';
import { makeContext } from './lambda-context.ts';
import type { InvokeMessage, WorkerMessage } from './worker-process.ts';

// The main module of a worker process: argv[2] is the JSON of its handlers' modules. A handler is an execution environment
// of its function, as on Lambda: it runs one invocation at a time, and what its module holds, a connection for one, is its
// own.

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

// The channel closes when the parent ends for any reason: a worker never outlives it.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
// Ctrl-C, or what ends a terminal's job, reaches every process of it; the parent decides when the work in flight is over.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});

const modules = JSON.parse(String(process.argv[2])) as Record<string, string>;
const made = new Map<string, number>();
const free = new Map<string, Promise<Handler>[]>();
let answered = 0;
process.on('message', (message) => void answer(message as InvokeMessage));
send({ kind: 'ready' });

async function answer({ requestId, functionName, event, timeoutMs }: InvokeMessage): Promise<void> {
  const isFirst = !free.has(functionName);
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
    if (answered === keepSmallAfter) keepGenerationsSmall();
  }
}

/** A watch gets there; by then all modules are loaded, and V8 takes no compiled code that was cached under other flags. */
const keepSmallAfter = 100;

/** Left alone, V8 lets both of its generations grow for hundreds of runs, as in the process of the watch itself. */
function keepGenerationsSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
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
