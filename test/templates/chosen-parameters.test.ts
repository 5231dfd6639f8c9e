import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeResolver } from './intrinsics.ts';
import { readTemplate, type Service, services, type Template } from './packaged.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const key = 'arn:aws:kms:eu-west-2:000000000000:key/1234';
const topic = 'arn:aws:sns:eu-west-2:000000000000:operators';
const boundary = 'arn:aws:iam::000000000000:policy/boundary';
const users = 'arn:aws:rds-db:eu-west-2:000000000000:dbuser:db-ABCDEFGHIJKL01234';
const parameters = {
  ...{ kmsKeyArn: key, existingTopicArn: topic, permissionsBoundaryArn: boundary },
  ...{ alarmWebhookUrl: 'https://hooks.example/T0/B0', tags: 'team=data,cost-center=42' },
  ...{ reserveConcurrency: 'false', subnetIds: 'subnet-1', securityGroupIds: 'sg-1' },
  ...{ sourceDbUserArn: `${users}/reader`, warehouseDbUserArn: `${users}/loader` },
  ...{ loadMemoryMb: '3008', loadTimeoutSeconds: '600', expireAfterDays: '800,payment=400' },
};

/** What a service's stack gets beside its template. */
interface State {
  service: { provider: { stackTags: Record<string, string>; region: string } };
}

describe('a template with parameters of the user’s own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'starlift-chosen-'));
  const templates = new Map<Service, Template>();
  const states = new Map<Service, State>();

  beforeAll(async () => {
    const chosen = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
    for (const service of services) {
      const target = join(folder, service);
      const args = ['package', '--package', target, '--region', 'eu-central-1', ...chosen];
      await promisify(execFile)(process.execPath, [`${root}node_modules/osls/bin/serverless.js`, ...args], {
        cwd: `${root}services/${service}`,
        env: { ...process.env, TMPDIR: folder, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
      });
      const read = (file: string) => JSON.parse(readFileSync(join(target, file), 'utf8'));
      templates.set(service, read('cloudformation-template-update-stack.json'));
      states.set(service, read('serverless-state.json'));
    }
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Of all services, by type, the properties as they are with the conditions that hold. */
  const propertiesOf = (type: string, from = templates) =>
    [...from.values()].flatMap((template) => {
      const conditions = (template as { Conditions?: Record<string, unknown> }).Conditions ?? {};
      const resolve = makeResolver(template);
      const holds = (name: string) =>
        resolve({ 'Fn::If': [name, 'yes', 'no'] }) === 'yes' && name in conditions;
      return Object.entries(template.Resources)
        .filter(([, { Type, Condition }]) => Type === type && (Condition === undefined || holds(Condition)))
        .map(([id, { Properties }]) => ({ id, template, resolve, Properties }));
    });
  const valuesOf = (type: string, property: string, from = templates) =>
    Object.fromEntries(
      propertiesOf(type, from).map(({ id, template, resolve, Properties }) => [
        `${[...from].find(([, each]) => each === template)?.[0]} ${id}`,
        resolve(Properties[property]),
      ]),
    );
  const defaults = () => new Map(services.map((service) => [service, readTemplate(service)]));

  it('encrypts all that holds something with the key, and lets every role use it', () => {
    const properties = {
      'AWS::SQS::Queue': 'KmsMasterKeyId',
      'AWS::Logs::LogGroup': 'KmsKeyId',
      'AWS::SecretsManager::Secret': 'KmsKeyId',
      'AWS::Lambda::Function': 'KmsKeyArn',
    };
    for (const [type, property] of Object.entries(properties)) {
      const values = Object.values(valuesOf(type, property));
      expect(values.length).toBeGreaterThanOrEqual(2);
      expect(values).toEqual(values.map(() => key));
      expect(Object.values(valuesOf(type, property, defaults()))).toEqual(values.map(() => undefined));
    }
    expect(Object.values(valuesOf('AWS::SQS::Queue', 'SqsManagedSseEnabled'))).toContain(undefined);
    const buckets = JSON.stringify([
      valuesOf('AWS::S3::Bucket', 'BucketEncryption')['ingestion IngestedBucket'],
      valuesOf('AWS::S3::Bucket', 'BucketEncryption')['transformation ProcessedBucket'],
    ]);
    expect(buckets.match(/"aws:kms"/g)).toHaveLength(2);
    for (const { id, Properties } of propertiesOf('AWS::IAM::Role')) {
      expect({ id, policies: JSON.stringify(Properties.Policies) }).toEqual({
        id,
        policies: expect.stringMatching(/kms:Decrypt.*kms:GenerateDataKey/),
      });
    }
  });

  it('holds every role to the permissions boundary', () => {
    const values = Object.values(valuesOf('AWS::IAM::Role', 'PermissionsBoundary'));
    expect(values).toEqual(values.map(() => boundary));
    expect(values).toHaveLength(10);
  });

  it('lets the functions that connect to a database log in as its user, and no other', () => {
    const logins = (from = templates) =>
      propertiesOf('AWS::IAM::Role', from).flatMap(({ id, resolve, Properties }) =>
        (Properties.Policies as { PolicyDocument: { Statement: unknown[] } }[])
          .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
          .filter((statement) => JSON.stringify(statement).includes('rds-db:'))
          .flatMap((statement) => {
            const login = resolve(statement) as { Action: string; Resource: string } | undefined;
            return login === undefined ? [] : [[id, login.Action, login.Resource]];
          }),
      );
    expect(logins()).toEqual([
      ['PlanRole', 'rds-db:connect', `${users}/reader`],
      ['ExtractRole', 'rds-db:connect', `${users}/reader`],
      ['LoadRole', 'rds-db:connect', `${users}/loader`],
      ['SweepRole', 'rds-db:connect', `${users}/loader`],
      ['FreshnessRole', 'rds-db:connect', `${users}/loader`],
      ['ExpireRole', 'rds-db:connect', `${users}/loader`],
    ]);
    expect(logins(defaults())).toEqual([]);
  });

  it('writes to the topic that is there, and makes none', () => {
    expect(propertiesOf('AWS::SNS::Topic')).toEqual([]);
    expect(propertiesOf('AWS::SNS::Topic', defaults())).toHaveLength(1);
    const alarms = Object.entries(valuesOf('AWS::CloudWatch::Alarm', 'AlarmActions'));
    for (const [name, actions] of alarms.filter(([id]) => id.startsWith('ingestion'))) {
      expect({ name, actions }).toEqual({ name, actions: [topic] });
    }
  });

  it('delivers events by a role, with a dead-letter queue, and to the webhook as well', () => {
    const rules = propertiesOf('AWS::Events::Rule').filter(({ Properties }) => Properties.EventPattern);
    const targets = rules.flatMap(({ Properties }) => Properties.Targets as unknown[]);
    expect(targets).toHaveLength(3);
    const texts = targets.map((target) => JSON.stringify(target));
    for (const text of texts) {
      expect(text).toMatch(/"RoleArn":\{"Fn::GetAtt":\["EventsRole","Arn"\]\}/);
      expect(text).toMatch(/"DeadLetterConfig":\{"Arn":\{"Fn::GetAtt":\["EventsDeadLetterQueue","Arn"\]\}\}/);
    }
    expect(valuesOf('AWS::Events::ApiDestination', 'InvocationEndpoint')).toEqual({
      'ingestion WebhookDestination': 'https://hooks.example/T0/B0',
    });
    expect(propertiesOf('AWS::Events::ApiDestination', defaults())).toEqual([]);
  });

  it('puts into the VPC the functions that connect to a database, and no other', () => {
    const inVpc = Object.entries(
      Object.fromEntries(
        propertiesOf('AWS::Lambda::Function').map(({ id, template, Properties }) => [
          `${[...templates].find(([, each]) => each === template)?.[0]} ${id}`,
          Properties.VpcConfig !== undefined,
        ]),
      ),
    ).flatMap(([name, isInVpc]) => (isInVpc ? [name.replace('LambdaFunction', '')] : []));
    expect(inVpc).toEqual([
      'ingestion Plan',
      'ingestion Extract',
      'loading Load',
      'loading Sweep',
      'loading Freshness',
      'loading Expire',
    ]);
  });

  it('has a function that deletes, and a right to delete objects, only where expireAfterDays says so', () => {
    const made = (from = templates) =>
      ['Lambda::Function', 'Logs::LogGroup', 'IAM::Role', 'Events::Rule', 'Lambda::Permission'].flatMap(
        (type) => propertiesOf(`AWS::${type}`, from).flatMap(({ id }) => (/^Expire/.test(id) ? [id] : [])),
      );
    expect(made()).toEqual([
      ...['ExpireLambdaFunction', 'ExpireLogGroup', 'ExpireRole', 'ExpireEventsRuleSchedule1'],
      'ExpireLambdaPermissionEventsRuleSchedule1',
    ]);
    expect(made(defaults())).toEqual([]);
    const alarms = (from = templates) => propertiesOf('AWS::CloudWatch::Alarm', from).map(({ id }) => id);
    const ofExpiry = ['ExpireErrorsAlarm', 'ExpireThrottlesAlarm', 'ExpireDurationAlarm'];
    expect(alarms()).toEqual(expect.arrayContaining(ofExpiry));
    expect(alarms(defaults()).filter((id) => ofExpiry.includes(id))).toEqual([]);
    // Records of retried messages and of failed extracts are deleted by whoever wrote them.
    const deletable = (from = templates) =>
      propertiesOf('AWS::IAM::Role', from).flatMap(({ id, resolve, Properties }) =>
        (Properties.Policies as { PolicyDocument: { Statement: unknown[] } }[])
          .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
          .filter((statement) => JSON.stringify(statement).includes('s3:DeleteObject'))
          .map((statement) => resolve(statement) as Record<string, string | string[]>)
          .filter(({ Effect }) => Effect === 'Allow')
          .flatMap(({ Resource }) => [Resource].flat())
          .map((resource) => `${id} ${resource?.replace(/.*?\//, '')}`),
      );
    const others = (all: string[]) => all.filter((each) => !/ (state|failed)\//.test(each));
    expect(others(deletable(defaults()))).toEqual([]);
    expect(others(deletable())).toEqual([
      ...['ExpireRole *.ndjson.zst', 'ExpireRole *.parquet', 'ExpireRole quarantine/*'],
    ]);
    expect(valuesOf('AWS::Lambda::Function', 'Environment')['loading ExpireLambdaFunction']).toMatchObject({
      Variables: { EXPIRE_AFTER_DAYS: '800,payment=400' },
    });
  });

  it('reserves no concurrency, and takes memory and timeout, which the queue follows', () => {
    const reserved = Object.values(valuesOf('AWS::Lambda::Function', 'ReservedConcurrentExecutions'));
    expect(reserved).toEqual(reserved.map(() => undefined));
    const byDefault = valuesOf('AWS::Lambda::Function', 'ReservedConcurrentExecutions', defaults());
    expect(byDefault).toMatchObject({
      'ingestion ExtractLambdaFunction': 4,
      'loading LoadLambdaFunction': 8,
    });
    expect(valuesOf('AWS::Lambda::Function', 'MemorySize')['loading LoadLambdaFunction']).toBe(3008);
    expect(valuesOf('AWS::Lambda::Function', 'Timeout')['loading LoadLambdaFunction']).toBe(600);
    expect(valuesOf('AWS::SQS::Queue', 'VisibilityTimeout')['transformation LoadQueue']).toBe(3600);
    expect(valuesOf('AWS::CloudWatch::Alarm', 'Threshold')['loading LoadDurationAlarm']).toBe(480_000);
  });

  it('is deployed to the region of --region, with the tags', () => {
    for (const { service } of states.values()) {
      expect(service.provider.stackTags).toEqual({
        ...{ 'starlift:stage': 'dev', team: 'data', 'cost-center': '42' },
      });
      expect(service.provider.region).toBe('eu-central-1');
    }
  });

  it('keeps the stage’s own secrets where others are named, and what holds data when it is replaced', () => {
    for (const type of ['AWS::SecretsManager::Secret', 'AWS::S3::Bucket']) {
      for (const template of defaults().values()) {
        const held = Object.entries(template.Resources).filter(
          ([id, { Type }]) => Type === type && id !== 'ServerlessDeploymentBucket',
        );
        for (const [id, resource] of held) {
          expect({ id, policy: resource.UpdateReplacePolicy, condition: resource.Condition }).toEqual({
            ...{ id, policy: 'Retain', condition: undefined },
          });
        }
      }
    }
  });
});
