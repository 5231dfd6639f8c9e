const { checkConcurrency, findDependents } = require('./check-account.cjs');
const { longestPauseSeconds } = require('./alarms.cjs');

/**
 * What is wrong with the parameters of a deployment, as far as can be known before anything is made: one sentence, or
 * undefined. Each service checks the parameters of all services, because the first one is deployed before the others.
 *
 * @param {{
 *   stage: string,
 *   parameters: Record<string, string | number | undefined>,
 *   upstream?: Record<string, string>,
 * }} deployment
 */
async function findFault({ stage, parameters, upstream = {} }) {
  // Node 24 runs it as it is.
  const { stageName } = await import('../../cli/configuration/stage-name.ts');
  const { parameterRules } = await import('../../cli/configuration/stage-parameters.ts');
  if (!stageName.test(stage)) {
    return `the stage ${stage} has to be 1 to 12 lower-case letters and digits, a letter first`;
  }
  for (const [name, { pattern, wanted }] of Object.entries(parameterRules)) {
    const value = parameters[name];
    if (value === undefined || value === null) return `the parameter ${name} is missing`;
    if (!pattern.test(String(value)))
      return `the parameter ${name} is ${JSON.stringify(value)}: it has to be ${wanted}`;
  }
  if ((parameters.subnetIds === '') !== (parameters.securityGroupIds === '')) {
    return 'subnetIds and securityGroupIds belong together: one of them is empty';
  }
  if (parameters.alarmEmail !== '' && parameters.existingTopicArn !== '') {
    return 'alarmEmail and existingTopicArn exclude one another: subscribe the address to that topic';
  }
  const scheduleFault = await findScheduleFault(parameters);
  if (scheduleFault !== undefined) return scheduleFault;
  const missing = Object.keys(upstream).find((name) => upstream[name]?.includes('offline-'));
  if (missing !== undefined) {
    return `there is no ${missing}: the services before this one have to be deployed to the stage ${stage} first`;
  }
  return undefined;
}

/**
 * What is wrong with the schedules, each by itself and with what is promised by them.
 *
 * @param {Record<string, string | number | undefined>} parameters
 */
async function findScheduleFault(parameters) {
  // Node 24 runs it as it is.
  const { findIntervals, parseSchedule } = await import('../../shared/schedule.ts');
  for (const name of ['schedule', 'sweepSchedule', 'freshnessSchedule']) {
    const value = String(parameters[name] ?? '');
    if (parameters[name] === undefined) return `the parameter ${name} is missing`;
    try {
      const schedule = parseSchedule(value);
      const { longest } = findIntervals(schedule);
      if (longest > longestPauseSeconds) {
        return `the parameter ${name} is "${value}", which pauses for more than 6 days: no alarm can watch it`;
      }
      if (schedule.kind === 'rate' && longest > 86_400) {
        return `the parameter ${name} is "${value}": a rate is a day at most`;
      }
      if (name === 'freshnessSchedule' && (schedule.kind === 'cron' || longest > 3600)) {
        return `the parameter freshnessSchedule is "${value}": it has to be a rate of an hour at most, for an alarm takes a missing measurement for a late one`;
      }
      const objective = Number(parameters.lagObjectiveSeconds);
      if (name === 'schedule' && schedule.kind === 'rate' && objective < 2 * longest) {
        return `lagObjectiveSeconds is ${objective} and schedule is "${value}": the objective has to be two schedules at least, here ${2 * longest}, because a quiet table is as old as the last plan`;
      }
    } catch (error) {
      return `the parameter ${name} is "${value}", which ${/** @type {Error} */ (error).message}`;
    }
  }
  return undefined;
}

/**
 * What is wrong with a secret that a parameter names; one sentence, or undefined.
 *
 * @param {string} arn
 * @param {(arn: string) => Promise<string | undefined>} fetchSecret
 * @param {(message: string) => void} warn called when the secret may not be read, and only its functions can check it
 * @param {{ name: string, value: string }} [user] the parameter that names the database's user
 */
async function findSecretFault(arn, fetchSecret, warn, user) {
  // Node 24 runs it as it is.
  const { parseDatabaseSecret } = await import('../../shared/postgres/database-secret.ts');
  let text;
  try {
    text = await fetchSecret(arn);
  } catch (error) {
    const { name } = /** @type {Error} */ (error);
    if (name === 'ResourceNotFoundException') return `there is no secret ${arn}`;
    warn(`the secret ${arn} could not be read, and its fields are not checked: ${name}`);
    return undefined;
  }
  try {
    const { auth } = parseDatabaseSecret(arn, text ?? '');
    if (auth !== 'iam' || user === undefined || user.value !== '') return undefined;
    return `the secret ${arn} has auth iam: name the database's user with ${user.name}, so that the functions may log in`;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** @param {string} arn */
async function fetchSecret(arn) {
  const { GetSecretValueCommand, SecretsManagerClient } = require('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({ region: String(arn.split(':')[3]) });
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return SecretString;
}

/**
 * An osls plugin: a deploy with a malformed parameter, or of more than the account has room for, ends with one line before
 * anything is made. So does the removal of a service that others stand on.
 */
module.exports = class CheckParameters {
  static findFault = findFault;
  static findSecretFault = findSecretFault;

  /**
   * @param {{
   *   service: {
   *     service: string,
   *     custom: { checked: Parameters<typeof findFault>[0] },
   *     validate(): Promise<unknown>,
   *   },
   *   getProvider(name: 'aws'): { getAwsSdkV3Config(): Promise<{ region: string }> },
   *   classes: { Error: new (message: string, code: string) => Error },
   * }} serverless
   * @param {unknown} _options
   * @param {{ log: { warning(message: string): void } }} utils
   */
  constructor(serverless, _options, { log }) {
    const { service } = serverless;
    const connect = () => serverless.getProvider('aws').getAwsSdkV3Config();
    this.hooks = {
      'before:remove:remove': async () => {
        const { stage } = service.custom.checked;
        const dependents = await findDependents({ ...(await connect()) }, service.service, stage);
        if (dependents.length === 0) return;
        const message = `${dependents.join(' and ')} would be left without what ${service.service}-${stage} owns: remove the whole stage with npx starlift remove --stage ${stage}`;
        throw new serverless.classes.Error(message, 'SERVICE_IN_USE');
      },
    };
    if (!process.argv.includes('deploy')) return;
    /** @param {Parameters<typeof findFault>[0]} checked */
    const findFaultOfAccount = async ({ stage, parameters }) => {
      const wanted = {
        extractors: Number(parameters.extractors),
        loaders: Number(parameters.loaders),
        reserves: String(parameters.reserveConcurrency) === 'true',
        expires: String(parameters.expireAfterDays) !== '',
      };
      return checkConcurrency({ ...(await connect()) }, stage, wanted, (message) => log.warning(message));
    };
    const validate = service.validate.bind(service);
    // No hook comes before osls' own validation, which says where a wrong schedule stands and not what is wrong with it.
    service.validate = async () => {
      const { checked } = service.custom;
      const fault =
        (await findFault(checked)) ??
        (await findFaultOfSecrets(checked.parameters, log)) ??
        (await findFaultOfAccount(checked));
      if (fault !== undefined) throw new serverless.classes.Error(fault, 'MALFORMED_PARAMETER');
      return validate();
    };
  }
};

/**
 * @param {Parameters<typeof findFault>[0]['parameters']} parameters
 * @param {{ warning(message: string): void }} log
 */
async function findFaultOfSecrets(parameters, log) {
  for (const side of ['source', 'warehouse']) {
    const arn = String(parameters[`${side}SecretArn`]);
    if (arn === '') continue;
    const name = `${side}DbUserArn`;
    const user = { name, value: String(parameters[name]) };
    const fault = await findSecretFault(arn, fetchSecret, (message) => log.warning(message), user);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
