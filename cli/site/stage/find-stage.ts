import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { UsageError } from '../../terminal/usage-error.ts';

/** The services in the order of the flow; each is a stack. */
const services = ['ingestion', 'transformation', 'loading'] as const;

/** What a stage is made of, by the outputs of its stacks (services/<service>/serverless.yml). */
const outputsOf = {
  ingestion: ['ingestedBucket', 'extractQueueUrl', 'transformQueueUrl', 'planFunction', 'sourceSecret'],
  transformation: ['processedBucket', 'loadQueueUrl'],
  loading: ['warehouseSecret', 'warehouseSchema'],
} as const;

type OutputName = (typeof outputsOf)[keyof typeof outputsOf][number];

export type StageResources = Record<OutputName, string>;

/**
 * Finds a deployed stage by its stacks.
 *
 * @throws {UsageError} it is not there, or not whole
 */
export async function findStage(
  cloudFormation: Pick<CloudFormationClient, 'send' | 'config'>,
  stage: string,
): Promise<StageResources> {
  const region = await cloudFormation.config.region();
  const stacks = await Promise.all(stackNames(stage).map((name) => readOutputs(cloudFormation, name)));
  return pickResources({ stage, region }, stacks);
}

export const stackNames = (stage: string): string[] =>
  services.map((service) => `starlift-${service}-${stage}`);

async function readOutputs(
  cloudFormation: Pick<CloudFormationClient, 'send'>,
  name: string,
): Promise<StackOutputs> {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    return new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  } catch (error) {
    // CloudFormation has no error of its own for a stack that is not there.
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** The outputs of a stack by their names; undefined where there is no such stack. */
export type StackOutputs = ReadonlyMap<string, string> | undefined;

/**
 * Picks a stage's resources out of its stacks' outputs.
 *
 * @param stacks by service, in the order of stackNames()
 * @param region undefined where the user named none
 * @throws {UsageError} the stage is not there, or not whole; names what is missing
 */
export function pickResources(
  { stage, region }: { stage: string; region: string | undefined },
  stacks: readonly StackOutputs[],
): StageResources {
  const names = stackNames(stage);
  const where = region === undefined ? '' : ` in ${region}`;
  const missing = names.filter((_, index) => stacks[index] === undefined);
  if (missing.length === names.length) {
    throw new UsageError(
      `there is no stage ${stage}${where}: --region names another, npm run deploy -- --stage ${stage} makes it`,
    );
  }
  if (missing.length > 0) {
    throw new UsageError(
      `the stage ${stage}${where} is not whole: there is no stack ${missing.join(' and ')}`,
    );
  }
  const picked = services.flatMap((service, index) =>
    outputsOf[service].map((name) => {
      const value = stacks[index]?.get(name);
      if (value !== undefined) return [name, value];
      throw new UsageError(`the stack ${names[index]}${where} has no output ${name}: deploy it again`);
    }),
  );
  return Object.fromEntries(picked) as StageResources;
}
