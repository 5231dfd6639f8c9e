import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import type { InlineHandler } from '../processes/inline-pool.ts';

export type FunctionName = 'plan' | QueueKind;

/** One handler for each function, behind which its environments take turns. */
export type HandlerEnvironments = Record<FunctionName, InlineHandler>;

const functions: Record<FunctionName, string> = {
  plan: '../../../services/ingestion/plan/handler.ts',
  extract: '../../../services/ingestion/extract/handler.ts',
  transform: '../../../services/transformation/transform/handler.ts',
  load: '../../../services/loading/load/handler.ts',
};

const modules = {
  ...functions,
  'sweep-extract': '../../../services/ingestion/sweep/handler.ts',
  'sweep-transform': '../../../services/transformation/sweep/handler.ts',
  'sweep-load': '../../../services/loading/sweep/handler.ts',
};

/** A function of the services, a sweep too. */
export type HandlerName = keyof typeof modules;

export const isHandlerName = (name: string): name is HandlerName => Object.hasOwn(modules, name);

let loaded = 0;

/**
 * Loads each function's module so many times: what Lambda calls execution environments, each with its own caches and
 * connections to the databases, and one invocation at a time.
 */
export async function loadEnvironments(counts: Record<FunctionName, number>): Promise<HandlerEnvironments> {
  const handlers: Partial<HandlerEnvironments> = {};
  for (const name of Object.keys(functions) as FunctionName[]) {
    const idle: InlineHandler[] = [];
    // One after the other: Jest cannot link one module for two imports at a time.
    for (let count = 0; count < counts[name]; count++) idle.push(await loadHandler(name));
    handlers[name] = takeTurns(name, idle);
  }
  return handlers as HandlerEnvironments;
}

/** Loads the function's module anew. What that imports is loaded once, and keeps nothing of an invocation. */
export async function loadHandler(name: HandlerName): Promise<InlineHandler> {
  const url = `${modules[name]}?environment=${++loaded}`;
  const { handler } = (await import(url)) as { handler: InlineHandler };
  return handler;
}

/** The one that has been idle longest is next, so that all of them are used. */
function takeTurns(name: string, idle: InlineHandler[]): InlineHandler {
  return async (event, context) => {
    const handler = idle.shift();
    if (handler === undefined) throw new Error(`more invocations of ${name} than it has environments`);
    try {
      return await handler(event, context);
    } finally {
      idle.push(handler);
    }
  };
}
