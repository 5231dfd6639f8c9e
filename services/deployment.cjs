// What follows from the environment and the parameters of a deployment; osls calls what a template names.
module.exports = {
  region: findRegion,
  extractVisibility: sixTimes('extractTimeoutSeconds'),
  transformVisibility: sixTimes('transformTimeoutSeconds'),
  loadVisibility: sixTimes('loadTimeoutSeconds'),
  tags: readTags,
};

/**
 * The region that --region names, else the one that the AWS SDK finds, as the command line does: AWS_REGION, or that of the
 * profile.
 *
 * @param {{ options: { region?: string | null } }} variables osls' own
 */
async function findRegion({ options }) {
  if (options.region) return options.region;
  const { CloudFormationClient } = require('@aws-sdk/client-cloudformation');
  try {
    return await new CloudFormationClient({}).config.region();
  } catch {
    // Packaging needs no account.
    if (!process.argv.some((word) => word === 'deploy' || word === 'remove')) return 'eu-west-2';
    throw new Error('no AWS region: set it with --region, AWS_REGION or in the AWS profile');
  }
}

/**
 * The visibility of a queue: six times the timeout of its function, as AWS asks of an event source mapping.
 *
 * @param {string} name of the parameter with the timeout
 * @returns {(variables: { resolveVariable(name: string): Promise<string> }) => Promise<number>}
 */
function sixTimes(name) {
  return async ({ resolveVariable }) => 6 * Number(await resolveVariable(`param:${name}`));
}

/** @param {{ resolveVariable(name: string): Promise<string> }} variables osls' own */
async function readTags({ resolveVariable }) {
  const text = String(await resolveVariable('param:tags'));
  const stage = String(await resolveVariable('sls:stage'));
  const given = text === '' ? [] : text.split(',').map((pair) => pair.split('='));
  return { 'starlift:stage': stage, ...Object.fromEntries(given) };
}
