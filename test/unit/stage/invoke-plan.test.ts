import { type InvokeCommandOutput, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { describe, expect, it } from '@jest/globals';
import { invokePlan } from '../../../cli/site/stage/stage-site.ts';

const planned = { run: 'r', generation: '1', slices: [], failures: [], warnings: [] };
const answer = (content: unknown, FunctionError?: string) =>
  ({ Payload: Buffer.from(JSON.stringify(content)), FunctionError }) as unknown as InvokeCommandOutput;

function lambdaThat(...outcomes: (InvokeCommandOutput | Error)[]) {
  const send = async () => {
    const next = outcomes.shift();
    if (next === undefined || next instanceof Error) throw next;
    return next;
  };
  return { send } as never;
}

describe('invoking the plan function', () => {
  it('gives what was planned', async () => {
    expect(await invokePlan(lambdaThat(answer(planned)), 'plan')).toEqual(planned);
  });

  it("waits for its turn while the schedule's plan runs", async () => {
    const busy = new TooManyRequestsException({ message: 'Rate Exceeded', $metadata: {} });
    expect(await invokePlan(lambdaThat(busy, answer(planned)), 'plan')).toEqual(planned);
  });

  it('fails with the reason of the plan', async () => {
    const failed = answer({ errorType: 'TerminalError', errorMessage: 'the state is corrupt' }, 'Unhandled');
    await expect(invokePlan(lambdaThat(failed), 'plan')).rejects.toMatchObject({
      errorType: 'TerminalError',
      message: 'plan: the state is corrupt',
    });
  });
});
