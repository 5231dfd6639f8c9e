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
  findFault(deployment: Deployment): Promise<string | undefined>;
  findSecretFault(
    arn: string,
    fetchSecret: (arn: string) => Promise<string | undefined>,
    warn: (message: string) => void,
    user?: { name: string; value: string },
  ): Promise<string | undefined>;
};

/** `  name: value` of the stage default. */
function readDefaults(): Parameters {
  const text = readFileSync(new URL('../../../services/stages.yml', import.meta.url), 'utf8');
  const [section = ''] = text.split('\ndefault:\n')[1]?.split(/\n(?=\w)/) ?? [];
  const entries = [...section.matchAll(/^ {2}(\w+): (.*)$/gm)];
  return Object.fromEntries(entries.map(([, name, value]) => [name, value?.replace(/^"(.*)"$/, '$1')]));
}
const defaults = readDefaults();
const faultOf = (parameters: Parameters) =>
  findFault({ stage: 'dev', parameters: { ...defaults, ...parameters } });

describe('the check of a deployment’s parameters', () => {
  it('takes the defaults, and asks for every one of them', async () => {
    expect(await faultOf({})).toBeUndefined();
    expect(Object.keys(defaults)).toHaveLength(37);
    for (const name of Object.keys(defaults)) {
      expect(await faultOf({ [name]: undefined })).toBe(`the parameter ${name} is missing`);
    }
  });

  it.each(['rate(1 minute)', 'rate(7 minutes)', 'cron(0/5 * * * ? *)', 'cron(0/5 8-17 ? * MON-FRI *)'])(
    'takes the schedule %s',
    async (schedule) => {
      expect(await faultOf({ schedule })).toBeUndefined();
    },
  );

  it.each([
    ['schedule', 'rate(5 minute)', 'which is not like rate(5 minutes) or cron(0/5 * * * ? *)'],
    ['schedule', '', 'which is not like rate(5 minutes) or cron(0/5 * * * ? *)'],
    ['schedule', 'cron(0/5 * * * *)', "which has 5 fields, and EventBridge's cron takes 6"],
    ['sweepSchedule', 'hourly', 'which is not like'],
    ['sweepSchedule', 'rate(2 days)', 'a rate is a day at most'],
    ['schedule', 'cron(0 8 1 * ? *)', 'which pauses for more than 6 days'],
    ['freshnessSchedule', 'rate(2 hours)', 'it has to be a rate of an hour at most'],
    ['freshnessSchedule', 'cron(0/5 8-17 ? * MON-FRI *)', 'it has to be a rate of an hour at most'],
  ])('refuses %s "%s", %s', async (name, value, fault) => {
    expect(await faultOf({ [name]: value })).toMatch(`the parameter ${name} is "${value}"`);
    expect(await faultOf({ [name]: value })).toContain(fault);
  });

  it('refuses an objective below two schedules', async () => {
    expect(await faultOf({ schedule: 'rate(1 hour)', lagObjectiveSeconds: 7200 })).toBeUndefined();
    expect(await faultOf({ schedule: 'rate(1 hour)', lagObjectiveSeconds: 7199 })).toBe(
      'lagObjectiveSeconds is 7199 and schedule is "rate(1 hour)": the objective has to be two schedules at least, here 7200, because a quiet table is as old as the last plan',
    );
  });

  it.each([
    // Less than two at a time Lambda does not take.
    ['extractors', 1],
    ['loaders', 'many'],
    ['sslmode', 'prefer'],
    ['foreignKeys', 'on'],
    ['warehouseSchema', ''],
    ['sourceSecretArn', 'starlift/dev/source'],
    ['sourceDbUserArn', 'starlift_reader'],
    ['warehouseDbUserArn', 'arn:aws:rds:eu-west-2:000000000000:db:shop'],
    ['subnetIds', 'subnet-1, subnet-2'],
    ['securityGroupIds', 'default'],
    ['alarmEmail', 'operator'],
    ['lagObjectiveSeconds', '15m'],
    ['oldestMessageSeconds', 0],
    ['logRetentionDays', 31],
    ['tracing', 'true'],
    ['reserveConcurrency', 'no'],
    ['loadMemoryMb', 128],
    ['loadTimeoutSeconds', 1000],
    ['tags', 'team'],
    ['kmsKeyArn', 'alias/shop'],
    ['permissionsBoundaryArn', 'boundary'],
    ['existingTopicArn', 'operators'],
    ['alarmWebhookUrl', 'http://hooks.example'],
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
    ['coldStorageDays', 7],
    ['coldStorageClass', 'GLACIER'],
    ['expireAfterDays', '30'],
    ['expireAfterDays', '800,payment=14'],
  ])('refuses %s %s by its name', async (name, value) => {
    expect(await faultOf({ [name]: value })).toMatch(
      `the parameter ${name} is ${JSON.stringify(value)}: it has to be `,
    );
  });

  it('takes lists of subnets and groups, and one never without the other', async () => {
    expect(
      await faultOf({ subnetIds: 'subnet-0a1b,subnet-2c3d', securityGroupIds: 'sg-4e5f' }),
    ).toBeUndefined();
    expect(await faultOf({ subnetIds: 'subnet-0a1b' })).toMatch(
      'subnetIds and securityGroupIds belong together',
    );
  });

  it.each(['Dev', 'my-stage', '1st', 'averylongstagename', ''])('refuses the stage "%s"', async (stage) => {
    expect(await findFault({ stage, parameters: defaults })).toMatch(`the stage ${stage} has to be`);
  });

  it('refuses a service whose predecessors are not deployed', async () => {
    const withUpstream = (processedBucket: string) =>
      findFault({ stage: 'dev', parameters: defaults, upstream: { processedBucket } });
    expect(await withUpstream('starlift-dev-processed-1')).toBeUndefined();
    expect(await withUpstream('offline-processed')).toBe(
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

  it('refuses one that logs in by IAM where no user is named', async () => {
    const { password: _, ...others } = whole;
    const fetchSecret = async () => JSON.stringify({ ...others, auth: 'iam' });
    const faultWith = (value: string) =>
      findSecretFault(arn, fetchSecret, () => {}, { name: 'sourceDbUserArn', value });
    expect(await faultWith('arn:aws:rds-db:eu-west-2:000000000000:dbuser:db-A/reader')).toBeUndefined();
    expect(await faultWith('')).toBe(
      `the secret ${arn} has auth iam: name the database's user with sourceDbUserArn, so that the functions may log in`,
    );
  });

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
