import { PassThrough } from 'node:stream';
import { buckets, queueNames, secretIds } from '../../../../cli/embedded/resources.ts';
import { parseCommand } from '../../../../cli/parse-command.ts';
import { makeTerminal } from '../../../../cli/terminal/terminal.ts';
import type { CommandOutcome, OperatedStack } from '../operated-stack.ts';
import { startStageFront } from './stage-front.ts';

export const stage = { stage: 'embedded', region: 'eu-west-2' };

/** The embedded stack, which commands take for a deployed stage by what stands in front of it. */
export interface StackAsStage {
  stack: OperatedStack;
  /** The outputs of the stage's stacks, by the stack's name. */
  stacks: Record<string, Record<string, string>>;
  /** The plan function. */
  plan(): Promise<unknown>;
  command(args: string): Promise<CommandOutcome>;
  /** The same with --json: its exit code and what it printed. */
  json<T>(args: string): Promise<T & { code: number }>;
  stop(): Promise<void>;
}

/** Takes the stack over: it ends with the stage. */
export async function startStackAsStage(stack: OperatedStack): Promise<StackAsStage> {
  const before = { ...process.env };
  const stacks: Record<string, Record<string, string>> = stacksOf(stack.endpoint);
  const front = await startStageFront({ stacks, plan: () => made.plan() });
  Object.assign(process.env, front.environment, {
    AWS_ENDPOINT_URL: stack.endpoint,
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_REGION: stage.region,
  });
  const made: StackAsStage = {
    stack,
    stacks,
    command,
    plan: () => stack.plan(),
    json: async <T>(args: string) => {
      const { code, text } = await command(`${args} --json`);
      return { ...(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as T), code };
    },
    stop: async () => {
      process.env = before;
      front.stop();
      await stack.stop();
    },
  };
  return made;
}

async function command(args: string): Promise<CommandOutcome> {
  const output = new PassThrough();
  const terminal = makeTerminal(output, output, args.includes('--json'));
  const code = await (await parseCommand([...args.split(' '), '--stage', stage.stage]))(terminal);
  return { code, text: String(output.read() ?? '') };
}

const stacksOf = (endpoint: string) => ({
  'starlift-ingestion-embedded': {
    ingestedBucket: buckets.ingested,
    extractQueueUrl: `${endpoint}/000000000000/${queueNames.extract}`,
    transformQueueUrl: `${endpoint}/000000000000/${queueNames.transform}`,
    planFunction: 'plan',
    sourceSecret: secretIds.source,
  },
  'starlift-transformation-embedded': {
    processedBucket: buckets.processed,
    loadQueueUrl: `${endpoint}/000000000000/${queueNames.load}`,
  },
  'starlift-loading-embedded': { warehouseSecret: secretIds.warehouse, warehouseSchema: 'public' },
});
