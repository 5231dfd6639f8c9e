import { randomUUID } from 'node:crypto';
import { describeFailure, InvocationError } from '../../../cli/embedded/workers/invocation-error.ts';
import { makeContext } from '../../../cli/embedded/workers/lambda-context.ts';
import {
  defaultTimeoutSeconds,
  type Invocation,
  type WorkerPool,
} from '../../../cli/embedded/workers/worker-pool.ts';
import { TransientError } from '../../../shared/errors.ts';

export type InlineHandler = (event: unknown, context: unknown) => Promise<unknown>;

/**
 * Makes a pool that runs the handlers in this process, for tests that measure coverage or look inside.
 *
 * Events and results cross as JSON here too, so that nothing works inline alone. There is no time limit.
 *
 * @param size how many invocations run at the same time
 */
export function startInlinePool(handlers: Record<string, InlineHandler>, size = 4): WorkerPool {
  const waiting: Invocation[] = [];
  let running = 0;
  let stopped = false;

  const dispatch = (): void => {
    const invocation = running < size ? waiting.shift() : undefined;
    if (invocation === undefined) return;
    running += 1;
    void runInline(handlers, invocation).finally(() => {
      running -= 1;
      dispatch();
    });
    dispatch();
  };

  return {
    invoke: (functionName, event) =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(new TransientError(`${functionName}: the workers are stopped`));
        waiting.push({ requestId: randomUUID(), functionName, event, resolve, reject });
        dispatch();
      }),
    stop: async () => {
      stopped = true;
      for (const { reject } of waiting.splice(0)) reject(new TransientError('the workers were stopped'));
    },
  };
}

async function runInline(handlers: Record<string, InlineHandler>, invocation: Invocation): Promise<void> {
  const { functionName, requestId, event, resolve, reject } = invocation;
  try {
    const handler = handlers[functionName];
    if (handler === undefined) throw new Error(`there is no function ${functionName}`);
    const timeoutMs = defaultTimeoutSeconds * 1000;
    resolve(asJson(await handler(asJson(event), makeContext(functionName, requestId, timeoutMs))));
  } catch (error) {
    reject(new InvocationError(functionName, describeFailure(error)));
  }
}

function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
