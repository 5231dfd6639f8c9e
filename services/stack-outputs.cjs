const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');

const account = '000000000000';
/** @param {string} name */
const offlineQueue = (name) => ({
  arn: `arn:aws:sqs:eu-west-2:${account}:starlift-offline-${name}`,
  url: `https://sqs.eu-west-2.amazonaws.com/${account}/starlift-offline-${name}`,
});

/** What templates name when there is no account to ask; `npm run package` needs none. */
const offline = {
  ingestedBucket: 'offline-ingested',
  transformQueueArn: offlineQueue('transform').arn,
  transformQueueUrl: offlineQueue('transform').url,
  alarmTopicArn: `arn:aws:sns:eu-west-2:${account}:starlift-offline-alarms`,
  processedBucket: 'offline-processed',
  loadQueueArn: offlineQueue('load').arn,
  loadQueueUrl: offlineQueue('load').url,
};

/**
 * The outputs of the stacks before this one, where a service is deployed by itself. With compose they are parameters, and
 * nobody asks here. Where a stack is not there yet its outputs stay the offline ones, which
 * scripts/stage/check-parameters.cjs refuses to deploy.
 *
 * @param {{ resolveVariable(name: string): Promise<string> }} variables osls' own
 */
module.exports = async ({ resolveVariable }) => {
  if (!process.argv.includes('deploy')) return offline;
  const [stage, region] = [await resolveVariable('sls:stage'), await resolveVariable('aws:region')];
  const client = new CloudFormationClient({ region });
  const found = {};
  for (const service of ['ingestion', 'transformation']) {
    Object.assign(found, await readOutputs(client, `starlift-${service}-${stage}`));
  }
  return { ...offline, ...found };
};

/**
 * @param {InstanceType<typeof CloudFormationClient>} client
 * @param {string} name
 */
async function readOutputs(client, name) {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    return Object.fromEntries(outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  } catch (error) {
    // CloudFormation has no error of its own for a stack that is not there.
    if (error instanceof Error && /does not exist/.test(error.message)) return {};
    throw error;
  }
}
