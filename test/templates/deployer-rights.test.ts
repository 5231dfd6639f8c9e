import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readTemplate, services } from './packaged.ts';

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

const { Statement: statements } = JSON.parse(
  readFileSync(new URL('../../docs/policies/deployer.json', import.meta.url), 'utf8'),
) as { Statement: Statement[] };

const matches = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(text);

const allows = (action: string, resource: string): boolean =>
  statements.some(
    ({ Action, Resource }) =>
      [Action].flat().some((each) => matches(each, action)) &&
      [Resource].flat().some((each) => matches(each, resource)),
  );

const at = (service: string, rest: string) => `arn:aws:${service}:eu-west-2:123456789012:${rest}`;

/**
 * What CloudFormation calls, in the caller's name, to make, change and delete a resource of each type.
 *
 * Source: the handlers' permissions in the schemas of the types, `aws cloudformation describe-type`.
 */
const calls: Record<string, { resource: string; actions: string[] }> = {
  'AWS::CloudWatch::Alarm': {
    resource: at('cloudwatch', 'alarm:starlift-dev-lag'),
    actions: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DescribeAlarms', 'cloudwatch:DeleteAlarms'],
  },
  'AWS::CloudWatch::Dashboard': {
    resource: 'arn:aws:cloudwatch::123456789012:dashboard/starlift-dev',
    actions: ['cloudwatch:PutDashboard', 'cloudwatch:GetDashboard', 'cloudwatch:DeleteDashboards'],
  },
  'AWS::Events::ApiDestination': {
    resource: at('events', 'api-destination/starlift-dev-webhook'),
    actions: [
      'events:CreateApiDestination',
      'events:DescribeApiDestination',
      'events:UpdateApiDestination',
      'events:DeleteApiDestination',
    ],
  },
  'AWS::Events::Connection': {
    resource: at('events', 'connection/starlift-dev-webhook'),
    actions: [
      'events:CreateConnection',
      'events:DescribeConnection',
      'events:UpdateConnection',
      'events:DeleteConnection',
    ],
  },
  'AWS::Events::Rule': {
    resource: at('events', 'rule/starlift-dev-events'),
    actions: [
      'events:PutRule',
      'events:DescribeRule',
      'events:DeleteRule',
      'events:PutTargets',
      'events:RemoveTargets',
    ],
  },
  'AWS::IAM::Role': {
    resource: 'arn:aws:iam::123456789012:role/starlift-ingestion-dev-PlanRole-1A2B',
    actions: [
      'iam:CreateRole',
      'iam:GetRole',
      'iam:PutRolePolicy',
      'iam:DeleteRolePolicy',
      'iam:GetRolePolicy',
      'iam:ListRolePolicies',
      'iam:PutRolePermissionsBoundary',
      'iam:TagRole',
      'iam:UpdateAssumeRolePolicy',
      'iam:DeleteRole',
      'iam:PassRole',
    ],
  },
  'AWS::Lambda::EventInvokeConfig': {
    resource: at('lambda', 'function:starlift-ingestion-dev-plan'),
    actions: [
      'lambda:PutFunctionEventInvokeConfig',
      'lambda:GetFunctionEventInvokeConfig',
      'lambda:UpdateFunctionEventInvokeConfig',
      'lambda:DeleteFunctionEventInvokeConfig',
    ],
  },
  'AWS::Lambda::EventSourceMapping': {
    resource: at('lambda', 'event-source-mapping:0d1e2f'),
    actions: [
      'lambda:CreateEventSourceMapping',
      'lambda:GetEventSourceMapping',
      'lambda:UpdateEventSourceMapping',
      'lambda:DeleteEventSourceMapping',
      'lambda:TagResource',
    ],
  },
  'AWS::Lambda::Function': {
    resource: at('lambda', 'function:starlift-ingestion-dev-plan'),
    actions: [
      'lambda:CreateFunction',
      'lambda:GetFunction',
      'lambda:UpdateFunctionCode',
      'lambda:UpdateFunctionConfiguration',
      'lambda:PutFunctionConcurrency',
      'lambda:DeleteFunctionConcurrency',
      'lambda:TagResource',
      'lambda:DeleteFunction',
    ],
  },
  'AWS::Lambda::Permission': {
    resource: at('lambda', 'function:starlift-ingestion-dev-plan'),
    actions: ['lambda:AddPermission', 'lambda:GetPolicy', 'lambda:RemovePermission'],
  },
  'AWS::Logs::LogGroup': {
    resource: at('logs', 'log-group:/aws/lambda/starlift-ingestion-dev-plan:*'),
    actions: [
      'logs:CreateLogGroup',
      'logs:PutRetentionPolicy',
      'logs:AssociateKmsKey',
      'logs:TagResource',
      'logs:DeleteLogGroup',
    ],
  },
  'AWS::S3::Bucket': {
    resource: 'arn:aws:s3:::starlift-dev-ingested-123456789012-eu-west-2',
    actions: [
      's3:CreateBucket',
      's3:PutBucketVersioning',
      's3:PutEncryptionConfiguration',
      's3:PutLifecycleConfiguration',
      's3:PutBucketNotification',
      's3:PutBucketPublicAccessBlock',
      's3:PutBucketTagging',
      's3:DeleteBucket',
    ],
  },
  'AWS::S3::BucketPolicy': {
    resource: 'arn:aws:s3:::starlift-dev-ingested-123456789012-eu-west-2',
    actions: ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'],
  },
  'AWS::SNS::Subscription': {
    resource: at('sns', 'starlift-dev-alarms'),
    actions: ['sns:Subscribe', 'sns:GetSubscriptionAttributes', 'sns:Unsubscribe'],
  },
  'AWS::SNS::Topic': {
    resource: at('sns', 'starlift-dev-alarms'),
    actions: ['sns:CreateTopic', 'sns:SetTopicAttributes', 'sns:TagResource', 'sns:DeleteTopic'],
  },
  'AWS::SNS::TopicPolicy': {
    resource: at('sns', 'starlift-dev-alarms'),
    actions: ['sns:SetTopicAttributes'],
  },
  'AWS::SQS::Queue': {
    resource: at('sqs', 'starlift-dev-extract'),
    actions: [
      'sqs:CreateQueue',
      'sqs:GetQueueAttributes',
      'sqs:SetQueueAttributes',
      'sqs:TagQueue',
      'sqs:DeleteQueue',
    ],
  },
  'AWS::SQS::QueuePolicy': {
    resource: at('sqs', 'starlift-dev-extract'),
    actions: ['sqs:SetQueueAttributes'],
  },
  'AWS::SecretsManager::Secret': {
    resource: at('secretsmanager', 'secret:starlift/dev/source-AbCdEf'),
    actions: [
      'secretsmanager:CreateSecret',
      'secretsmanager:DescribeSecret',
      'secretsmanager:UpdateSecret',
      'secretsmanager:TagResource',
      'secretsmanager:DeleteSecret',
    ],
  },
};

describe("the deployer's policy in docs/policies", () => {
  const types = [
    ...new Set(
      services.flatMap((service) => Object.values(readTemplate(service).Resources).map(({ Type }) => Type)),
    ),
  ];

  it.each(types.toSorted())('allows what a %s takes', (type) => {
    const { resource = '', actions = [] } = calls[type] ?? {};
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !allows(action, resource))).toEqual([]);
  });

  it('allows nothing on what is not of a stage', () => {
    const others = [
      'arn:aws:s3:::payroll',
      at('sqs', 'orders'),
      at('lambda', 'function:pay'),
      'arn:aws:iam::1:role/admin',
    ];
    const actions = [
      's3:DeleteBucket',
      'sqs:DeleteQueue',
      'lambda:DeleteFunction',
      'iam:PassRole',
      'iam:PutRolePolicy',
    ];
    expect(actions.flatMap((action) => others.filter((resource) => allows(action, resource)))).toEqual([]);
  });
});
