import { setTimeout as delay } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { planTimeoutSeconds } from '../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../shared/records/run-record.ts';
import { InvocationError } from '../embedded/workers/invocation-error.ts';

const askAgainMs = 1000;

/**
 * Invokes a stage's plan function and waits for what it has planned. While the schedule's own plan runs, it waits for
 * its turn: there is one at a time.
 *
 * @throws {InvocationError} the plan failed; with its reason
 */
export async function invokePlan(
  lambda: Pick<LambdaClient, 'send'>,
  functionName: string,
): Promise<PlannedRun> {
  const deadline = Date.now() + planTimeoutSeconds * 1000;
  for (;;) {
    try {
      const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: functionName }));
      const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString());
      if (FunctionError !== undefined) throw new InvocationError('plan', describeFailure(answer));
      return answer as PlannedRun;
    } catch (error) {
      if (!(error instanceof TooManyRequestsException) || Date.now() > deadline) throw error;
      await delay(askAgainMs);
    }
  }
}

/** Lambda's words for what a function threw. */
function describeFailure(answer: unknown): { name: string; message: string } {
  const { errorType, errorMessage } = (answer ?? {}) as { errorType?: unknown; errorMessage?: unknown };
  return { name: String(errorType ?? 'Error'), message: String(errorMessage ?? 'it failed without a word') };
}
