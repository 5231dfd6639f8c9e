import type { ServiceName } from './service-folders.ts';

/**
 * The parameters of a stage that stay parameters in a template: those that name what is in the account. The others decide what
 * the template is.
 */
export const plainParameters = [
  'sourceSecretArn',
  'warehouseSecretArn',
  'sourceDbUserArn',
  'warehouseDbUserArn',
  'subnetIds',
  'securityGroupIds',
  'alarmEmail',
  'existingTopicArn',
  'alarmWebhookUrl',
  'kmsKeyArn',
  'permissionsBoundaryArn',
] as const;

/** What stands in a packaged template in place of a parameter's value. */
export const parameterMark = (name: string): string => `starlift-parameter-${name}`;

/** What osls leaves of the stacks before this one where it asks no account (services/stack-outputs.cjs). */
const queue = (name: string, kind: 'sqs' | 'sns') =>
  `arn:aws:${kind}:eu-west-2:000000000000:starlift-offline-${name}`;
const queueUrl = (name: string) =>
  `https://sqs.eu-west-2.amazonaws.com/000000000000/starlift-offline-${name}`;
const outputMarks = {
  IngestedBucket: 'offline-ingested',
  ProcessedBucket: 'offline-processed',
  TransformQueueArn: queue('transform', 'sqs'),
  TransformQueueUrl: queueUrl('transform'),
  LoadQueueArn: queue('load', 'sqs'),
  LoadQueueUrl: queueUrl('load'),
  AlarmTopicArn: queue('alarms', 'sns'),
} as const;

interface Template {
  Parameters?: Record<string, unknown>;
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}

/**
 * Makes a template of osls one that CloudFormation deploys by itself: zips come from a bucket that parameters name, and so does
 * what belongs to other stacks or to the account.
 *
 * @param chosen what the project says of the stage: the parameters' defaults
 */
export function makePlainTemplate(
  text: string,
  service: ServiceName,
  chosen: Readonly<Record<string, string>>,
): Template {
  const template = JSON.parse(text) as Template;
  const ownedByOsls = /^ServerlessDeploymentBucket/;
  for (const section of [template.Resources, template.Outputs]) {
    for (const name of Object.keys(section)) if (ownedByOsls.test(name)) delete section[name];
  }
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type !== 'AWS::Lambda::Function' || Properties === undefined) continue;
    const key = { 'Fn::Sub': `\${CodePrefix}${service}.zip` };
    Properties.Code = { S3Bucket: { Ref: 'CodeBucket' }, S3Key: key };
  }
  const used = new Map<string, object>([
    ['CodeBucket', { Type: 'String', Description: 'The bucket that the zips are in.' }],
    ['CodePrefix', { Type: 'String', Default: '', Description: 'What their keys begin with.' }],
  ]);
  const marks = [
    ...Object.entries(outputMarks).map(([parameter, mark]) => {
      return {
        parameter,
        mark,
        described: { Type: 'String', Description: 'An output of a stack before this one.' },
      };
    }),
    ...plainParameters.map((name) => {
      const parameter = `${name[0]?.toUpperCase()}${name.slice(1)}`;
      const described = {
        Type: 'String',
        Default: chosen[name] ?? '',
        Description: `${name} of docs/deploy.md.`,
      };
      return { parameter, mark: parameterMark(name), described };
    }),
  ];
  const replaced = replaceMarks(template, (value) => {
    let result = value;
    for (const { parameter, mark, described } of marks) {
      if (!result.includes(mark)) continue;
      result = result.replaceAll(mark, `\${${parameter}}`);
      used.set(parameter, described);
    }
    return result;
  }) as Template;
  return { ...replaced, Parameters: Object.fromEntries(used) };
}

/** A text with marks becomes a `Fn::Sub` unless it is one, and one that is nothing but a mark a `Ref`. */
function replaceMarks(value: unknown, replace: (text: string) => string, isSub = false): unknown {
  if (typeof value === 'string') {
    const replaced = replace(value);
    if (replaced === value || isSub) return replaced;
    const [, parameter] = /^\$\{(\w+)\}$/.exec(replaced) ?? [];
    return parameter === undefined ? { 'Fn::Sub': replaced } : { Ref: parameter };
  }
  if (Array.isArray(value))
    return value.map((each, index) => replaceMarks(each, replace, isSub && index === 0));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, replaceMarks(each, replace, key === 'Fn::Sub')]),
  );
}
