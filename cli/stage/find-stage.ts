import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { pickResources, type StackOutputs, type StageResources, stackNames } from './stage-resources.ts';

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
