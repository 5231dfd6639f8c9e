import { CloudFormationClient } from '@aws-sdk/client-cloudformation';

/**
 * Finds the region to work in: that of `--region`, else the one that the AWS SDK finds, as the command line does. Ends the
 * program where there is none.
 *
 * @param args of the command line
 * @returns `rest` is the other arguments
 */
export async function findRegion(args: readonly string[]): Promise<{ region: string; rest: string[] }> {
  const rest = [...args];
  const index = rest.findIndex((word) => word === '--region' || word.startsWith('--region='));
  if (index >= 0) {
    const [word = ''] = rest.splice(index, 1);
    const region = word === '--region' ? rest.splice(index, 1)[0] : word.slice('--region='.length);
    if (region !== undefined && /^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) return { region, rest };
    fail('--region is not followed by the name of a region');
  }
  try {
    return { region: await new CloudFormationClient({}).config.region(), rest };
  } catch {
    return fail('no AWS region: set it with --region, AWS_REGION or in the AWS profile');
  }
}

function fail(message: string): never {
  console.error(`starlift: ${message}`);
  process.exit(2);
}
