import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readTemplate, services } from './packaged.ts';

type Person = 'reader' | 'forgetter' | 'deployer';

interface Statement {
  Action: string | string[];
  Resource: string;
  Condition: { StringLike: Record<string, string | string[]> };
}

/** What AWS asks the key for in a person's name. */
interface KeyCall {
  action: string;
  via: string;
  /** The encryption context by which AWS says of what. */
  of: Record<string, string>;
}

const folder = new URL('../../docs/policies/', import.meta.url);

const statementsOf = (name: string): Statement[] =>
  (JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as { Statement: Statement[] }).Statement;

/** Who forgets has the reader's policies too. */
const policies: Record<Person, string[]> = {
  reader: ['kms-reader'],
  forgetter: ['kms-reader', 'kms-forgetter'],
  deployer: ['kms-deployer'],
};

const matches = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(text);

function allows(person: Person, { action, via, of }: KeyCall): boolean {
  const context: Record<string, string> = { 'kms:ViaService': `${via}.eu-west-2.amazonaws.com` };
  for (const [name, value] of Object.entries(of)) context[`kms:EncryptionContext:${name}`] = value;
  return policies[person].flatMap(statementsOf).some(
    ({ Action, Condition }) =>
      [Action].flat().includes(action) &&
      Object.entries(Condition.StringLike).every(([name, patterns]) => {
        const value = context[name];
        return value !== undefined && [patterns].flat().some((pattern) => matches(pattern, value));
      }),
  );
}

const at = (service: string, rest: string) => `arn:aws:${service}:eu-west-2:123456789012:${rest}`;
const call = (via: string, of: Record<string, string>, ...actions: string[]): KeyCall[] =>
  actions.map((action) => ({ action: `kms:${action}`, via, of }));

const ofBucket = { 'aws:s3:arn': 'arn:aws:s3:::starlift-dev-ingested-123456789012-eu-west-2' };
const ofObject = { 'aws:s3:arn': `${ofBucket['aws:s3:arn']}/state/model.json` };
const ofQueue = { 'aws:sqs:arn': at('sqs', 'starlift-dev-load-dlq') };
const ofSecret = { SecretARN: at('secretsmanager', 'secret:starlift/dev/source-AbCdEf') };
const ofNewSecret = { SecretARN: 'RequestToValidateKeyAccess' };
const ofFunction = { 'aws:lambda:FunctionArn': at('lambda', 'function:starlift-ingestion-dev-plan') };

/**
 * What people do with each kind of resource that a stage's key encrypts.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html,
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html,
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
 */
const needs: Record<string, Partial<Record<Person, KeyCall[]>>> = {
  'AWS::S3::Bucket': {
    reader: [...call('s3', ofBucket, 'Decrypt'), ...call('s3', ofObject, 'Decrypt')],
    // An upload in parts reads its own parts.
    forgetter: call('s3', ofBucket, 'Decrypt', 'GenerateDataKey'),
    deployer: call('s3', ofBucket, 'Decrypt', 'GenerateDataKey'),
  },
  'AWS::SQS::Queue': {
    reader: call('sqs', ofQueue, 'Decrypt'),
    deployer: call('sqs', ofQueue, 'Decrypt', 'GenerateDataKey'),
  },
  'AWS::SecretsManager::Secret': {
    reader: call('secretsmanager', ofSecret, 'Decrypt'),
    deployer: [
      ...call('secretsmanager', ofSecret, 'Decrypt', 'GenerateDataKey'),
      ...call('secretsmanager', ofNewSecret, 'Decrypt', 'GenerateDataKey'),
    ],
  },
  'AWS::Lambda::Function': { deployer: call('lambda', ofFunction, 'CreateGrant', 'Decrypt', 'Encrypt') },
  // The services use the key in their own name, by the key's policy; nobody reads the one, and logs come decrypted.
  'AWS::SNS::Topic': {},
  'AWS::Logs::LogGroup': {},
};

/** Not a role that may use the key: what the key encrypts. */
const encrypted = [
  ...new Set(
    services.flatMap((service) =>
      Object.values(readTemplate(service).Resources).flatMap(({ Type, Properties }) =>
        Type !== 'AWS::IAM::Role' && JSON.stringify(Properties).includes('"HasKey"') ? [Type] : [],
      ),
    ),
  ),
].toSorted();

describe("people's rights on a stage's own key, in docs/policies", () => {
  it('are thought of for all that the key encrypts, and in each of the files', () => {
    expect(Object.keys(needs).toSorted()).toEqual(encrypted);
    const files = readdirSync(folder).flatMap((name) => (name.startsWith('kms-') ? [name.slice(0, -5)] : []));
    expect(Object.values(policies).flat()).toEqual(expect.arrayContaining(files));
    expect(files).toHaveLength(3);
  });

  it.each(Object.keys(needs))('allow what a %s takes', (type) => {
    const missing = Object.entries(needs[type] ?? {}).flatMap(([person, calls]) =>
      calls.filter((each) => !allows(person as Person, each)).map((each) => ({ person, ...each })),
    );
    expect(missing).toEqual([]);
  });

  it('are of one key, and of what is a stage’s own', () => {
    for (const { Resource } of Object.values(policies).flat().flatMap(statementsOf)) {
      expect(Resource).toBe('arn:aws:kms:REGION:ACCOUNT:key/KEY-ID');
    }
    const others = [
      ...call('s3', { 'aws:s3:arn': 'arn:aws:s3:::payroll/2026.csv' }, 'Decrypt', 'GenerateDataKey'),
      ...call('secretsmanager', { SecretARN: at('secretsmanager', 'secret:payroll') }, 'Decrypt'),
      ...call('lambda', { 'aws:lambda:FunctionArn': at('lambda', 'function:pay') }, 'CreateGrant', 'Decrypt'),
      ...call('dynamodb', ofBucket, 'Decrypt'),
    ];
    const writing = Object.values(needs).flatMap(({ deployer = [] }) =>
      deployer.filter(({ action }) => action !== 'kms:Decrypt'),
    );
    expect(writing.length).toBeGreaterThan(0);
    const people = Object.keys(policies) as Person[];
    expect(people.flatMap((person) => others.filter((each) => allows(person, each)))).toEqual([]);
    expect(writing.filter((each) => allows('reader', each))).toEqual([]);
  });
});
