import { once } from 'node:events';
import { describeFailure } from './invocation-error.ts';
import { makeContext } from './lambda-context.ts';
import type { EmployMessage, InvokeMessage, WorkerMessage } from './worker-message.ts';

// The main module of a worker process: argv[2] is the JSON of the modules that its handlers will need, which it imports
// while it is not known yet what these are.

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

// The channel closes when the parent ends, whatever it died of: a worker never outlives it.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
// Ctrl-C, or what ends a terminal's job, reaches every process of it; the parent decides when the work in flight is over.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});

const employed = once(process, 'message') as Promise<[EmployMessage]>;
for (const url of JSON.parse(process.argv[2] ?? '[]') as string[]) {
  // One that cannot be imported is told of when a handler needs it.
  await import(url).catch(() => {});
}
const [{ handlers: modules, env }] = await employed;
Object.assign(process.env, env);
const handlers = await importHandlers(modules);
process.on('message', (message) => void answer(message as InvokeMessage));
send({ kind: 'ready' });

async function importHandlers(modules: Record<string, string>): Promise<Map<string, Handler>> {
  try {
    const entries = Object.entries(modules).map(async ([name, url]) => {
      const { handler } = (await import(url)) as { handler?: unknown };
      if (typeof handler !== 'function') throw new Error(`${url} exports no function named handler`);
      return [name, handler as Handler] as const;
    });
    return new Map(await Promise.all(entries));
  } catch (error) {
    process.send?.({ kind: 'broken', failure: describeFailure(error) }, () => process.exit(1));
    return new Promise(() => {});
  }
}

async function answer({ requestId, functionName, event, deadline }: InvokeMessage): Promise<void> {
  try {
    const handler = handlers.get(functionName);
    if (handler === undefined) throw new Error(`there is no function ${functionName}`);
    const value = await handler(event, makeContext(functionName, requestId, deadline));
    send({ kind: 'result', requestId, value });
  } catch (error) {
    send({ kind: 'error', requestId, failure: describeFailure(error) });
  }
}

function send(message: WorkerMessage): void {
  // A channel that closed meanwhile is the end of this process; 'disconnect' says so.
  process.send?.(message, () => {});
}
