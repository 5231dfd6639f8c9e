import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';

type Parameters = Record<string, string | number | undefined>;
interface Deployment {
  stage: string;
  parameters: Parameters;
  upstream?: Record<string, string>;
}
const { findFault, findSecretFault } = createRequire(import.meta.url)(
  '../../../scripts/stage/check-parameters.cjs',
) as {
  findFault(deployment: Deployment): string | undefined;
  findSecretFault(
    arn: string,
    fetchSecret: (arn: string) => Promise<string | undefined>,
    warn: (message: string) => void,
  ): Promise<string | undefined>;
};

/** `  name: value` of the stage default. */
function readDefaults(): Parameters {
  const text = readFileSync(new URL('../../../services/stages.yml', import.meta.url), 'utf8');
  const [section = ''] = text.split('\ndefault:\n')[1]?.split(/\n(?=\w)/) ?? [];
  const entries = [...section.matchAll(/^ {2}(\w+): (.*)$/gm)];
  return Object.fromEntries(entries.map(([, name, value]) => [name, value === '""' ? '' : value]));
}
const defaults = readDefaults();
const faultOf = (parameters: Parameters) =>
  findFault({ stage: 'dev', parameters: { ...defaults, ...parameters } });

describe('the check of a deployment’s parameters', () => {
  it('takes the defaults, and asks for every one of them', () => {
    expect(faultOf({})).toBeUndefined();
    expect(Object.keys(defaults)).toHaveLength(20);
    for (const name of Object.keys(defaults)) {
      expect(faultOf({ [name]: undefined })).toBe(`the parameter ${name} is missing`);
    }
  });

  it.each(['rate(1 minute)', 'rate(5 minutes)', 'rate(12 hours)', 'cron(0/5 * * * ? *)'])(
    'takes the schedule %s',
    (schedule) => {
      expect(faultOf({ schedule })).toBeUndefined();
    },
  );

  // EventBridge takes the singular with 1 and with 1 only.
  it.each(['rate(5 minute)', 'rate(1 minutes)', 'rate(0 minutes)', 'rate(5 seconds)', '5 minutes', ''])(
    'refuses the schedule "%s" by its name',
    (schedule) => {
      expect(faultOf({ schedule })).toBe(
        `the parameter schedule is "${schedule}": it has to be like rate(5 minutes) or cron(0/5 * * * ? *)`,
      );
    },
  );

  it.each([
    ['sweepSchedule', 'hourly'],
    ['freshnessSchedule', 'rate(5)'],
    // Less than two at a time Lambda does not take.
    ['extractors', 1],
    ['loaders', 'many'],
    ['sslmode', 'prefer'],
    ['foreignKeys', 'on'],
    ['warehouseSchema', ''],
    ['sourceSecretArn', 'starlift/dev/source'],
    ['subnetIds', 'subnet-1, subnet-2'],
    ['securityGroupIds', 'default'],
    ['alarmEmail', 'operator'],
    ['lagObjectiveSeconds', '15m'],
    ['oldestMessageSeconds', 0],
    ['logRetentionDays', 31],
    ['tracing', 'true'],
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
    ['coldStorageDays', 7],
    ['coldStorageClass', 'GLACIER'],
  ])('refuses %s %s by its name', (name, value) => {
    expect(faultOf({ [name]: value })).toMatch(
      `the parameter ${name} is ${JSON.stringify(value)}: it has to be `,
    );
  });

  it('takes lists of subnets and groups, and one never without the other', () => {
    expect(faultOf({ subnetIds: 'subnet-0a1b,subnet-2c3d', securityGroupIds: 'sg-4e5f' })).toBeUndefined();
    expect(faultOf({ subnetIds: 'subnet-0a1b' })).toMatch('subnetIds and securityGroupIds belong together');
  });

  it.each(['Dev', 'my-stage', '1st', 'averylongstagename', ''])('refuses the stage "%s"', (stage) => {
    expect(findFault({ stage, parameters: defaults })).toMatch(`the stage ${stage} has to be`);
  });

  it('refuses a service whose predecessors are not deployed', () => {
    const withUpstream = (processedBucket: string) =>
      findFault({ stage: 'dev', parameters: defaults, upstream: { processedBucket } });
    expect(withUpstream('starlift-dev-processed-1')).toBeUndefined();
    expect(withUpstream('offline-processed')).toBe(
      'there is no processedBucket: the services before this one have to be deployed to the stage dev first',
    );
  });
});

describe('the check of a secret that a parameter names', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:shop-AbCdEf';
  const whole = { host: 'db', port: 5432, dbname: 'shop', username: 'reader', password: 'secret' };
  const warnings: string[] = [];
  const faultOfSecret = (fetchSecret: () => Promise<string | undefined>) =>
    findSecretFault(arn, fetchSecret, (message) => warnings.push(message));
  const failing = (name: string) => async () => {
    throw Object.assign(new Error('no'), { name });
  };

  it('takes a whole one', async () => {
    expect(await faultOfSecret(async () => JSON.stringify(whole))).toBeUndefined();
  });

  it.each(['host', 'dbname', 'username', 'password'])(
    'refuses one without %s, and tells nothing of the rest',
    async (field) => {
      const fault = await faultOfSecret(async () => JSON.stringify({ ...whole, [field]: undefined }));
      expect(fault).toBe(`the secret ${arn} has no ${field}`);
    },
  );

  it('refuses one that is not there', async () => {
    expect(await faultOfSecret(failing('ResourceNotFoundException'))).toBe(`there is no secret ${arn}`);
  });

  it('leaves one that it may not read to the functions, and says so', async () => {
    expect(await faultOfSecret(failing('AccessDeniedException'))).toBeUndefined();
    expect(warnings).toEqual([
      `the secret ${arn} could not be read, and its fields are not checked: AccessDeniedException`,
    ]);
  });
});
