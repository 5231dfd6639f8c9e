const rate = /^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|cron\([^()]+\))$/;

/**
 * What is wrong with the parameters of a deployment, as far as that can be known before anything is made; one
 * sentence, or undefined.
 *
 * @param {{stage: string, rates?: string[], concurrency?: (number | string)[], email?: string, vpc?: string[],
 *   seconds?: Record<string, number | string>, upstream?: Record<string, string>}} parameters
 */
function findFault({
  stage,
  rates = [],
  concurrency = [],
  email = '',
  vpc = [],
  seconds = {},
  upstream = {},
}) {
  // Of it the buckets' names are made, which have 63 characters at most.
  if (!/^[a-z][a-z0-9]{0,11}$/.test(stage)) {
    return `the stage ${stage} has to be 1 to 12 lower-case letters and digits, a letter first`;
  }
  const badRate = rates.find((text) => !rate.test(text));
  if (badRate !== undefined) {
    return `the schedule ${badRate} is neither like rate(5 minutes) nor like cron(0/5 * * * ? *)`;
  }
  const badNumber = concurrency.find((count) => !(Number.isInteger(Number(count)) && Number(count) >= 2));
  if (badNumber !== undefined) return `the concurrency ${badNumber} is not a whole number from 2 on`;
  if (email !== '' && !/^\S+@\S+\.\S+$/.test(email)) return `the alarmEmail ${email} is no email address`;
  const badSeconds = Object.entries(seconds).find(([, value]) => !/^[1-9]\d{0,6}$/.test(String(value)));
  if (badSeconds !== undefined) return `${badSeconds.join(' ')} is not a number of seconds from 1 on`;
  const [subnets = '', groups = ''] = vpc;
  if ((subnets === '') !== (groups === '')) {
    return 'subnetIds and securityGroupIds belong together: one of them is empty';
  }
  const missing = Object.keys(upstream).find((name) => upstream[name]?.includes('offline-'));
  if (missing !== undefined) {
    return `there is no ${missing}: the services before this one have to be deployed to the stage ${stage} first`;
  }
  return undefined;
}

/** An osls plugin: a deploy with a malformed parameter ends with one line, before anything is made. */
module.exports = class CheckParameters {
  static findFault = findFault;

  /**
   * @param {{
   *   service: { custom: { checkedParameters: Parameters<typeof findFault>[0] } },
   *   classes: { Error: new (message: string, code: string) => Error },
   * }} serverless
   */
  constructor(serverless) {
    this.hooks = {
      'before:package:cleanup': () => {
        if (!process.argv.includes('deploy')) return;
        const fault = findFault(serverless.service.custom.checkedParameters);
        if (fault !== undefined) throw new serverless.classes.Error(fault, 'MALFORMED_PARAMETER');
      },
    };
  }
};
