import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { type MiniStack, region } from './ministack.ts';
import { waitUntil } from './wait-until.ts';

const root = { accessKeyId: 'test', secretAccessKey: 'test' };

/**
 * Makes a role that may do what these of the policies in docs/policies say, and nothing else. It has the last one's name.
 *
 * @returns the environment of a process that works in it: an AWS profile, as people have it
 */
export async function actAs(
  { endpoint, environment }: Pick<MiniStack, 'endpoint' | 'environment'>,
  ...policies: ('deployer' | 'reader' | 'forgetter')[]
): Promise<Record<string, string>> {
  const client = new CloudFormationClient({ endpoint, region, credentials: root });
  const policy = policies.at(-1) ?? '';
  const StackName = `people-${policy}`;
  const documents = await Promise.all(policies.map(readPolicy));
  const everybody = { AWS: 'arn:aws:iam::000000000000:root' };
  const trust = { Statement: [{ Effect: 'Allow', Principal: everybody, Action: 'sts:AssumeRole' }] };
  // MiniStack asks whoever reads a function's concurrency, or a mapping, for rights that AWS does not ask for.
  const standInActions = ['lambda:PutFunctionConcurrency', 'lambda:ListEventSourceMappings'];
  const standIn = {
    Statement: [{ Effect: 'Allow', Action: standInActions, Resource: '*' }],
  };
  const Properties = {
    RoleName: policy,
    AssumeRolePolicyDocument: { Version: '2012-10-17', ...trust },
    Policies: [
      ...policies.map((PolicyName, index) => ({ PolicyName, PolicyDocument: documents[index] })),
      { PolicyName: 'stand-in', PolicyDocument: standIn },
    ],
  };
  const TemplateBody = JSON.stringify({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties } } });
  await client.send(
    new CreateStackCommand({ StackName, TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] }),
  );
  await waitUntil(`the role ${policy} is made`, 60, async () => {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return Stacks[0]?.StackStatus === 'CREATE_COMPLETE';
  });
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...rest } = environment;
  const file = join(await mkdtemp(join(tmpdir(), 'starlift-profile-')), 'config');
  const lines = [
    `[profile ${policy}]`,
    `role_arn = arn:aws:iam::000000000000:role/${policy}`,
    'source_profile = account',
    '[profile account]',
    `aws_access_key_id = ${AWS_ACCESS_KEY_ID}`,
    `aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return { ...rest, AWS_CONFIG_FILE: file, AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: policy };
}

async function readPolicy(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../../docs/policies/${name}.json`, import.meta.url), 'utf8'));
}
