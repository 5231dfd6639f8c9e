import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { setHeapGrowth } from './heap-growth.ts';
import { describeFailure } from './invocation-error.ts';
import { makeContext } from './lambda-context.ts';
import type { EmployMessage, InvokeMessage, WorkerMessage, WorkerStart } from './worker-process.ts';

// The main module of a worker process: argv[2] is the JSON of its WorkerStart, whose modules it imports while it is not
// known yet what its handlers are. A handler is an execution environment of its function, as on Lambda: it runs one
// invocation at a time, and what its module holds, a connection for one, is its own.

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
type WarmUp = () => Promise<unknown>;

/** With so long of hardly anything to do there is time for what the next invocations will need. */
const idleMs = 10;
const idleUtilization = 0.2;

// The channel closes when the parent ends, whatever it died of: a worker never outlives it.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
// Ctrl-C, or what ends a terminal's job, reaches every process of it; the parent decides when the work in flight is over.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});

const employed = once(process, 'message') as Promise<[EmployMessage]>;
const { preload: urls } = JSON.parse(String(process.argv[2])) as WorkerStart;
const preloaded = await preload(urls);
setHeapGrowth();
const [{ handlers: modules, ahead, env }] = await employed;
Object.assign(process.env, env);
const made = new Map<string, number>();
const free = new Map<string, Promise<Handler>[]>();
const imports = ahead.map((name) => () => makeAhead(name));
// It is killed in the end: what was compiled is kept now.
void warmUp([...imports.slice(0, 1), ...preloaded, ...imports.slice(1)]).then(flushCompileCache);
process.on('message', (message) => void answer(message as InvokeMessage));
send({ kind: 'ready' });

/** @returns what the modules want to do in the first idle time */
async function preload(urls: readonly string[]): Promise<WarmUp[]> {
  const found: WarmUp[] = [];
  for (const url of urls) {
    // A module that cannot be imported is reported when a handler needs it.
    const { warmUps = [] } = (await import(url).catch(() => ({}))) as { warmUps?: readonly WarmUp[] };
    found.push(...warmUps);
  }
  return found;
}

/** One after the other, each in idle time. */
async function warmUp(warmUps: readonly WarmUp[]): Promise<void> {
  for (const each of warmUps) {
    await untilIdle();
    await each().catch(() => {});
  }
}

/** An invocation that waits for its database leaves time as well as none does. */
async function untilIdle(): Promise<void> {
  let utilization = 1;
  while (utilization > idleUtilization) {
    const before = performance.eventLoopUtilization();
    await delay(idleMs);
    ({ utilization } = performance.eventLoopUtilization(before));
  }
}

async function answer({ requestId, functionName, event, deadline }: InvokeMessage): Promise<void> {
  const making = findFree(functionName).pop() ?? makeHandler(functionName);
  try {
    const handler = await making;
    const value = await handler(event, makeContext(functionName, requestId, deadline));
    send({ kind: 'result', requestId, value });
  } catch (error) {
    send({ kind: 'error', requestId, failure: describeFailure(error) });
  } finally {
    findFree(functionName).push(making);
  }
}

/** A run with nothing to do calls one function of seven: the others' first handlers are made in idle time, or never. */
async function makeAhead(functionName: string): Promise<void> {
  if (free.has(functionName)) return;
  const making = makeHandler(functionName);
  findFree(functionName).push(making);
  await making;
}

/** @returns the handlers of a function that run nothing */
function findFree(functionName: string): Promise<Handler>[] {
  const handlers = free.get(functionName) ?? [];
  free.set(functionName, handlers);
  return handlers;
}

/** The module is evaluated anew for each handler, and what it imports is not. */
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
