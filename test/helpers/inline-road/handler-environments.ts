import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import type { InlineHandler } from '../processes/inline-pool.ts';

export type FunctionName = 'plan' | QueueKind;

/** One handler for each function, behind which its environments take turns. */
export type HandlerEnvironments = Record<FunctionName, InlineHandler>;

const modules: Record<FunctionName, string> = {
  plan: '../../../services/ingestion/plan/handler.ts',
  extract: '../../../services/ingestion/extract/handler.ts',
  transform: '../../../services/transformation/transform/handler.ts',
  load: '../../../services/loading/load/handler.ts',
};

let loaded = 0;

/**
 * Loads each function's module so many times: what Lambda calls execution environments, each with its own caches and
 * connections to the databases, and one invocation at a time.
 */
export async function loadEnvironments(counts: Record<FunctionName, number>): Promise<HandlerEnvironments> {
  const handlers: Partial<HandlerEnvironments> = {};
  for (const [name, module] of Object.entries(modules) as [FunctionName, string][]) {
    const idle: InlineHandler[] = [];
    // One after the other: Jest cannot link one module for two imports at a time.
    for (let count = 0; count < counts[name]; count++) idle.push(await loadHandler(module));
    handlers[name] = takeTurns(name, idle);
  }
  return handlers as HandlerEnvironments;
}

async function loadHandler(module: string): Promise<InlineHandler> {
  const { handler } = (await import(`${module}?environment=${++loaded}`)) as { handler: InlineHandler };
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
