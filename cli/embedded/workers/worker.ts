import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { setHeapGrowth } from './heap-growth.ts';
import { describeFailure } from './invocation-error.ts';
import { makeContext } from './lambda-context.ts';
import type { EmployMessage, InvokeMessage, WorkerMessage, WorkerStart } from './worker-message.ts';

// The main module of a worker process: argv[2] is the JSON of its WorkerStart, whose modules it imports while it is not
// known yet what its handlers are.

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
const { preload: urls, isSteady } = JSON.parse(String(process.argv[2])) as WorkerStart;
const preloaded = await preload(urls);
setHeapGrowth({ isSteady });
const [{ handlers: modules, ahead, env }] = await employed;
Object.assign(process.env, env);
const handlers = new Map<string, Promise<Handler>>();
const imports = ahead.map((name) => () => findHandler(name));
void warmUp([...imports.slice(0, 1), ...preloaded, ...imports.slice(1)]);
process.on('message', (message) => void answer(message as InvokeMessage));
send({ kind: 'ready' });

/** @returns what the modules want to do in the first idle time */
async function preload(urls: readonly string[]): Promise<WarmUp[]> {
  const found: WarmUp[] = [];
  for (const url of urls) {
    // One that cannot be imported is told of when a handler needs it.
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
  try {
    const handler = await findHandler(functionName);
    const value = await handler(event, makeContext(functionName, requestId, deadline));
    send({ kind: 'result', requestId, value });
  } catch (error) {
    send({ kind: 'error', requestId, failure: describeFailure(error) });
  }
}

/** Imported when it is first called, as on Lambda, or in idle time; a run with nothing to do calls one of seven. */
function findHandler(name: string): Promise<Handler> {
  const known = handlers.get(name) ?? importHandler(name, modules[name]);
  handlers.set(name, known);
  return known;
}

async function importHandler(name: string, url: string | undefined): Promise<Handler> {
  if (url === undefined) throw new Error(`there is no function ${name}`);
  const { handler } = (await import(url)) as { handler?: unknown };
  if (typeof handler !== 'function') throw new Error(`${url} exports no function named handler`);
  return handler as Handler;
}

function send(message: WorkerMessage): void {
  // A channel that closed meanwhile is the end of this process; 'disconnect' says so.
  process.send?.(message, () => {});
}
