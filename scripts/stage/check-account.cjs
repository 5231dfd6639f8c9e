/**
 * @typedef {{ extractors: number, loaders: number, reserves: boolean, expires?: boolean }} Concurrency `expires`: the stage has a
 *   function that deletes old objects
 * @typedef {{ limit: number, unreserved: number, alreadyReserved: number }} AccountConcurrency `alreadyReserved` by the
 *   functions of this stage, which keep it
 */

/** Lambda keeps so much for functions that reserve nothing. */
const keptUnreserved = 100;
/** Of plan, freshness and the three sweeps. */
const scheduledFunctions = 5;

/**
 * What the account's concurrency has no room for; one sentence, or undefined.
 *
 * @param {Concurrency} wanted
 * @param {AccountConcurrency} account
 */
function findConcurrencyFault(
  { extractors, loaders, reserves, expires = false },
  { limit, unreserved, alreadyReserved },
) {
  const others = scheduledFunctions + (expires ? 1 : 0);
  const needed = extractors + loaders + others;
  const raise = 'raise the quota "Concurrent executions" of Lambda (it is free), lower extractors or loaders';
  if (!reserves) {
    return needed <= limit
      ? undefined
      : `the account may run ${limit} functions at a time here, and the stage needs ${needed} (${extractors} extractors, ${loaders} loaders, ${others} others): ${raise}`;
  }
  const free = Math.max(0, unreserved + alreadyReserved - keptUnreserved);
  return needed <= free
    ? undefined
    : `the account can reserve ${free} of its ${limit} concurrent functions here, and the stage reserves ${needed} (${extractors} extractors, ${loaders} loaders, ${others} others): ${raise}, or deploy with reserveConcurrency: "false"`;
}

/** @typedef {Record<string, unknown> & { region: string }} ClientConfig */

/**
 * Asks Lambda, and finds what the account has no room for.
 *
 * @param {ClientConfig} config
 * @param {string} stage
 * @param {Concurrency} wanted
 * @param {(message: string) => void} warn called where Lambda may not be asked
 */
async function checkConcurrency(config, stage, wanted, warn) {
  const {
    GetAccountSettingsCommand,
    GetFunctionConcurrencyCommand,
    LambdaClient,
  } = require('@aws-sdk/client-lambda');
  const lambda = new LambdaClient(config);
  try {
    const { AccountLimit = {} } = await lambda.send(new GetAccountSettingsCommand({}));
    const { ConcurrentExecutions: limit, UnreservedConcurrentExecutions: unreserved } = AccountLimit;
    if (limit === undefined || unreserved === undefined) return undefined;
    let alreadyReserved = 0;
    for (const FunctionName of functionNames(stage)) {
      const command = new GetFunctionConcurrencyCommand({ FunctionName });
      const { ReservedConcurrentExecutions = 0 } = await lambda.send(command).catch(ignoreMissing);
      alreadyReserved += ReservedConcurrentExecutions;
    }
    return findConcurrencyFault(wanted, { limit, unreserved, alreadyReserved });
  } catch (error) {
    warn(
      `the account's concurrency could not be read, and is not checked: ${/** @type {Error} */ (error).name}`,
    );
    return undefined;
  }
}

/** @param {string} stage */
const functionNames = (stage) => [
  ...['plan', 'extract', 'sweep'].map((name) => `starlift-ingestion-${stage}-${name}`),
  ...['transform', 'sweep'].map((name) => `starlift-transformation-${stage}-${name}`),
  ...['load', 'sweep', 'freshness', 'expire'].map((name) => `starlift-loading-${stage}-${name}`),
];

/**
 * @param {Error} error
 * @returns {{ ReservedConcurrentExecutions?: number }}
 */
function ignoreMissing(error) {
  if (error.name === 'ResourceNotFoundException') return {};
  throw error;
}

const order = ['ingestion', 'transformation', 'loading'];

/**
 * The stacks that use what a service owns, and would be left without it.
 *
 * @param {ClientConfig} config
 * @param {string} service such as starlift-ingestion
 * @param {string} stage
 */
async function findDependents(config, service, stage) {
  const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient(config);
  const later = order.slice(order.indexOf(service.replace('starlift-', '')) + 1);
  /** @type {string[]} */
  const found = [];
  for (const StackName of later.map((name) => `starlift-${name}-${stage}`)) {
    try {
      await client.send(new DescribeStacksCommand({ StackName }));
      found.push(StackName);
    } catch (error) {
      // CloudFormation has no error of its own for a stack that is not there.
      if (!/does not exist/.test(/** @type {Error} */ (error).message)) throw error;
    }
  }
  return found;
}

module.exports = { checkConcurrency, findConcurrencyFault, findDependents };
