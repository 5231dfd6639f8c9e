import type { WorkerPool, WorkerPoolOptions } from '../../../cli/embedded/workers/worker-pool.ts';
import { type HandlerName, isHandlerName, loadHandler } from '../inline-road/handler-environments.ts';
import { Connections } from './connections.ts';
import { type InlineHandler, startInlinePool } from './inline-pool.ts';

/**
 * Makes a pool that runs the services' handlers in this process, as many of each at a time as the processes of a real
 * one would. For tests that are not about processes: a new process needs most of a second of CPU time until it has
 * compiled what it runs.
 */
export function startInlineWorkers({ size, concurrency = {}, handlers, env }: WorkerPoolOptions): WorkerPool {
  const connections = new Connections();
  const pools = Object.fromEntries(
    Object.keys(handlers)
      .filter(isHandlerName)
      .map((name) => {
        const handler = makeHandler(name, env, connections);
        return [name, startInlinePool({ [name]: handler }, size * (concurrency[name] ?? 1))];
      }),
  );
  return {
    invoke: async (functionName, event) => {
      const pool = pools[functionName];
      if (pool === undefined) throw new Error(`there is no function ${functionName}`);
      return pool.invoke(functionName, event);
    },
    stop: async () => {
      await Promise.all(Object.values(pools).map((pool) => pool.stop()));
      connections.cut();
    },
  };
}

/** One environment for each invocation at a time, which the next ones take over. */
function makeHandler(
  name: HandlerName,
  env: Record<string, string>,
  connections: Connections,
): InlineHandler {
  const idle: InlineHandler[] = [];
  return (event, context) =>
    connections.holdThoseOf(async () => {
      const handler = idle.pop() ?? (await loadIn(env, name));
      try {
        return await handler(event, context);
      } finally {
        idle.push(handler);
      }
    });
}

let loading: Promise<unknown> = Promise.resolve();

/** One after the other: a module reads the environment when it is loaded, and Jest cannot link one for two at a time. */
function loadIn(env: Record<string, string>, name: HandlerName): Promise<InlineHandler> {
  const loaded = loading.then(async () => {
    Object.assign(process.env, env, { POWERTOOLS_LOG_LEVEL: 'SILENT' });
    return loadHandler(name);
  });
  loading = loaded.catch(() => {});
  return loaded;
}
