import * as z from 'zod';
import { parseExpireAfter, wantedExpireAfter } from '../../shared/expire-after.ts';

interface ParameterRule {
  pattern: { test(text: string): boolean };
  wanted: string;
}

const concurrency = { pattern: /^([2-9]|[1-9]\d{1,2})$/, wanted: 'a whole number from 2 to 999' };
const seconds = { pattern: /^[1-9]\d{0,6}$/, wanted: 'a number of seconds from 1 on' };
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const memory = {
  pattern: {
    test: (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= 256 && Number(text) <= 10_240,
  },
  wanted: 'megabytes from 256 to 10240',
};
const timeout = {
  pattern: {
    test: (text: string) => /^\d{1,3}$/.test(text) && Number(text) >= 30 && Number(text) <= 900,
  },
  wanted: 'a number of seconds from 30 to 900',
};
const secretArn = {
  pattern: /^$|^arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:.+$/,
  wanted: 'empty or the ARN of a secret',
};
const databaseUserArn = {
  pattern: /^$|^arn:aws[\w-]*:rds-db:[\w-]+:\d{12}:dbuser:[\w*-]+\/\S+$/,
  wanted:
    'empty or the ARN of a database user, like arn:aws:rds-db:eu-west-2:123456789012:dbuser:db-ABCDEFGHIJKL01234/starlift_reader',
};
const listOf = (kind: string) => ({
  pattern: new RegExp(`^$|^${kind}-[0-9a-f]+(,${kind}-[0-9a-f]+)*$`),
  wanted: `empty or like ${kind}-0a1b,${kind}-2c3d`,
});

/** What each parameter of services/stages.yml has to be, but for the schedules. */
export const parameterRules: Readonly<Record<string, ParameterRule>> = {
  sourceSecretArn: secretArn,
  warehouseSecretArn: secretArn,
  sourceDbUserArn: databaseUserArn,
  warehouseDbUserArn: databaseUserArn,
  sslmode: { pattern: /^(verify-full|require|disable)$/, wanted: 'verify-full, require or disable' },
  caCertificates: { pattern: /^.+$/, wanted: 'the path of a file' },
  extractors: concurrency,
  loaders: concurrency,
  reserveConcurrency: { pattern: /^(true|false)$/, wanted: 'true or false' },
  extractMemoryMb: memory,
  transformMemoryMb: memory,
  loadMemoryMb: memory,
  otherMemoryMb: memory,
  extractTimeoutSeconds: timeout,
  transformTimeoutSeconds: timeout,
  loadTimeoutSeconds: timeout,
  warehouseSchema: { pattern: /^.{1,63}$/s, wanted: 'the name of a schema' },
  foreignKeys: { pattern: /^(declared|enforced)$/, wanted: 'declared or enforced' },
  subnetIds: listOf('subnet'),
  securityGroupIds: listOf('sg'),
  existingTopicArn: {
    pattern: /^$|^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]+$/,
    wanted: 'empty or the ARN of an SNS topic',
  },
  alarmWebhookUrl: { pattern: /^$|^https:\/\/\S+$/, wanted: 'empty or an https address' },
  alarmEmail: { pattern: /^$|^\S+@\S+\.\S+$/, wanted: 'empty or an email address' },
  oldestMessageSeconds: seconds,
  lagObjectiveSeconds: seconds,
  exactLagObjectiveSeconds: seconds,
  logRetentionDays: {
    // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    pattern: /^(1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653)$/,
    wanted: 'a number of days that CloudWatch Logs knows, such as 30',
  },
  // https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
  tags: {
    pattern: /^$|^[\w.:/+@-]{1,128}=[\w.:/+@ -]{0,256}(,[\w.:/+@-]{1,128}=[\w.:/+@ -]{0,256})*$/,
    wanted: 'empty or like team=data,cost-center=42',
  },
  kmsKeyArn: {
    pattern: /^$|^arn:aws[\w-]*:kms:[\w-]+:\d{12}:key\/\S+$/,
    wanted: 'empty or the ARN of a KMS key',
  },
  permissionsBoundaryArn: {
    pattern: /^$|^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/.+$/,
    wanted: 'empty or the ARN of a policy',
  },
  tracing: { pattern: /^(Active|PassThrough)$/, wanted: 'Active or PassThrough' },
  expireAfterDays: {
    pattern: { test: (text: string) => parseExpireAfter(text) !== undefined },
    wanted: wantedExpireAfter,
  },
  coldStorageDays: { pattern: /^(0|[3-9]\d|[1-9]\d{2,4})$/, wanted: '0, or a number of days from 30 on' },
  coldStorageClass: {
    pattern: /^(STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER_IR)$/,
    wanted: 'STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING or GLACIER_IR, which are read at once',
  },
};

/** Judged by what AWS and the alarms make of them, at the deploy (scripts/stage/check-parameters.cjs). */
const schedules = ['schedule', 'sweepSchedule', 'freshnessSchedule'] as const;

/** A value with an environment variable is judged at the deploy, which has it. */
const isAllowed = (rule: ParameterRule, value: string | number | boolean): boolean =>
  /\$\{[^}]*\}/.test(String(value)) || rule.pattern.test(String(value));

const plain = z.union([z.string(), z.number(), z.boolean()], 'is no text, number or flag');
const judged = Object.entries(parameterRules).map(([name, rule]) => {
  const value = plain.refine((given) => isAllowed(rule, given), `has to be ${rule.wanted}`);
  return [
    name,
    value.describe(`${rule.wanted[0]?.toUpperCase()}${rule.wanted.slice(1)}.`).optional(),
  ] as const;
});
const scheduled = schedules.map(
  (name) => [name, plain.describe('As EventBridge has it: rate() or cron().').optional()] as const,
);

/** The parameters of one stage in starlift.yml. */
export const stageParameters = z.strictObject(Object.fromEntries([...scheduled, ...judged]));
