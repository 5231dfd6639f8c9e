import type pg from 'pg';
import { cutConnection, type Director, Invocation, type Outcome } from './invocation.ts';

export type FunctionName = 'plan' | 'extract' | 'transform' | 'load';

const modules: Record<FunctionName, string> = {
  plan: '../../../services/ingestion/plan/handler.ts',
  extract: '../../../services/ingestion/extract/handler.ts',
  transform: '../../../services/transformation/transform/handler.ts',
  load: '../../../services/loading/load/handler.ts',
};

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** What Lambda calls an execution environment: a handler's module with its clients, caches and connections. */
interface Environment {
  handler: Handler;
  connections: Set<pg.Client>;
}

let environments = 0;

/** The product's handlers, each invocation in an environment of its own that no other is using. */
export class Functions {
  #idle: Record<FunctionName, Environment[]> = { plan: [], extract: [], transform: [], load: [] };

  /** An environment in which an invocation crashed is not used again. */
  async invoke(name: FunctionName, event: unknown, director: Director): Promise<Outcome<unknown>> {
    const environment = this.#idle[name].pop() ?? (await makeEnvironment(name));
    const invocation = new Invocation(name, director);
    const context = { functionName: name, awsRequestId: `request-${name}` };
    const outcome = await invocation.run(() => environment.handler(event, context));
    for (const client of invocation.connections) environment.connections.add(client);
    if (outcome.kind !== 'crashed') this.#idle[name].push(environment);
    return outcome;
  }

  /** Ends all that no invocation is using, connections and all: the next invocations start cold. */
  discard(): void {
    for (const environment of Object.values(this.#idle).flat()) {
      for (const client of environment.connections) cutConnection(client);
    }
    this.#idle = { plan: [], extract: [], transform: [], load: [] };
  }
}

/** Loads the handler's module once more; what it imports is shared, as it keeps nothing of an invocation. */
async function makeEnvironment(name: FunctionName): Promise<Environment> {
  const { handler } = (await import(`${modules[name]}?environment=${++environments}`)) as {
    handler: Handler;
  };
  return { handler, connections: new Set() };
}
