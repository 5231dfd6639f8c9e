import { randomUUID } from 'node:crypto';
import { TransientError } from '../../../shared/errors.ts';
import { makeFairQueue } from './fair-queue.ts';
import { describeFailure, InvocationError } from './invocation-error.ts';
import { makeContext } from './lambda-context.ts';
import { defaultTimeoutSeconds, type Invocation, type WorkerPool } from './pool.ts';

export type InlineHandler = (event: unknown, context: unknown) => Promise<unknown>;

/**
 * Makes a pool that runs the handlers in this process, for tests that measure coverage or look inside.
 *
 * Events and results cross as JSON here too, so that nothing works inline alone. There is no time limit.
 *
 * @param size how many invocations run at the same time
 */
export function startInlinePool(handlers: Record<string, InlineHandler>, size = 4): WorkerPool {
  const queue = makeFairQueue<Invocation>();
  let running = 0;
  let stopped = false;

  const dispatch = (): void => {
    const invocation = running < size ? queue.take() : undefined;
    if (invocation === undefined) return;
    running += 1;
    void runInline(handlers, invocation).finally(() => {
      running -= 1;
      queue.release(invocation.functionName);
      dispatch();
    });
    dispatch();
  };

  return {
    size,
    invoke: (functionName, event) =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(new TransientError(`${functionName}: the workers are stopped`));
        queue.push(functionName, { requestId: randomUUID(), functionName, event, resolve, reject });
        dispatch();
      }),
    stop: async () => {
      stopped = true;
      for (const { reject } of queue.drain()) reject(new TransientError('the workers were stopped'));
    },
  };
}

async function runInline(handlers: Record<string, InlineHandler>, invocation: Invocation): Promise<void> {
  const { functionName, requestId, event, resolve, reject } = invocation;
  try {
    const handler = handlers[functionName];
    if (handler === undefined) throw new Error(`there is no function ${functionName}`);
    const deadline = Date.now() + defaultTimeoutSeconds * 1000;
    resolve(asJson(await handler(asJson(event), makeContext(functionName, requestId, deadline))));
  } catch (error) {
    reject(new InvocationError(functionName, describeFailure(error)));
  }
}

function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
