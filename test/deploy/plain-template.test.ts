import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import { starlift } from '../helpers/processes/starlift.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
import { region } from './ministack.ts';
import { waitUntil } from './wait-until.ts';

const stage = 'plain';
const codeBucket = 'code-of-mine';

describe('a stage written as plain CloudFormation', () => {
  let deployment: Deployment;
  let folder: string;

  beforeAll(async () => {
    deployment = await startDeployment(stage, ({ admin }) => fillSampleShop(admin, { orders: 100 }));
    folder = await mkdtemp(join(tmpdir(), 'starlift-plain-'));
  });
  afterAll(async () => {
    await deployment?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('is deployed by CloudFormation alone, and is a stage like any other', async () => {
    const { aws, deployed } = deployment;
    const connection = {
      endpoint: aws.endpoint,
      region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    // Its certificate is the stand-in's; what else is asked of no account.
    const packaged = await starlift(
      ['package', '--stage', stage, '--template', folder, '--project', await project()],
      {
        NODE_EXTRA_CA_CERTS: aws.environment.NODE_EXTRA_CA_CERTS ?? '',
      },
    );
    expectDone(packaged);
    const s3 = new S3Client({ ...connection, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: codeBucket }));
    const cloudFormation = new CloudFormationClient(connection);
    let outputs: Record<string, string> = {};
    for (const service of ['ingestion', 'transformation', 'loading']) {
      const Body = await readFile(join(folder, `${service}.zip`));
      await s3.send(new PutObjectCommand({ Bucket: codeBucket, Key: `v1/${service}.zip`, Body }));
      const TemplateBody = await readFile(join(folder, `${service}.template.json`), 'utf8');
      const { Parameters } = JSON.parse(TemplateBody) as { Parameters: Record<string, { Default?: string }> };
      const given: Record<string, string> = { CodeBucket: codeBucket, CodePrefix: 'v1/', ...outputs };
      const chosen = Object.keys(Parameters).flatMap((ParameterKey) => {
        const ParameterValue = given[ParameterKey];
        return ParameterValue === undefined ? [] : [{ ParameterKey, ParameterValue }];
      });
      const StackName = `starlift-${service}-${stage}`;
      await cloudFormation.send(
        new CreateStackCommand({
          StackName,
          TemplateBody,
          Parameters: chosen,
          Capabilities: ['CAPABILITY_IAM'],
        }),
      );
      const stack = await waitUntil(`${service} is made`, 120, async () => {
        const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
        if (/FAILED|ROLLBACK/.test(Stacks[0]?.StackStatus ?? '')) {
          throw new Error(`${Stacks[0]?.StackStatus}: ${Stacks[0]?.StackStatusReason}`);
        }
        return Stacks[0]?.StackStatus === 'CREATE_COMPLETE' && Stacks[0];
      });
      const own = (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [
        `${OutputKey[0]?.toUpperCase()}${OutputKey.slice(1)}`,
        OutputValue,
      ]);
      outputs = { ...outputs, ...Object.fromEntries(own) };
    }
    expectDone(await deployed.command('publish'));
    await deployed.putSecrets();
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    expect(await deployed.json('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
  });

  it('has the parameters and outputs that the examples for Terraform and CDK name, and is small enough for them', async () => {
    const examples = await readFile(new URL('../../docs/bring-your-own.md', import.meta.url), 'utf8');
    const named = (language: string, pattern: RegExp) => {
      const [, block = ''] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(examples) ?? [];
      return [...new Set([...block.matchAll(pattern)].map(([, name = '']) => name))].sort();
    };
    const required = new Set<string>();
    const outputs = new Set<string>();
    for (const service of ['ingestion', 'transformation', 'loading']) {
      const text = await readFile(join(folder, `${service}.template.json`), 'utf8');
      const template = JSON.parse(text) as Pick<Record<string, object>, 'Parameters' | 'Outputs'>;
      for (const [name, { Default }] of Object.entries<{ Default?: string }>({ ...template.Parameters }))
        if (Default === undefined) required.add(name);
      for (const name of Object.keys(template.Outputs ?? {})) outputs.add(name);
      // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
      expect(Buffer.byteLength(text)).toBeLessThan(51_200);
    }
    for (const parameters of [named('hcl', /\b([A-Z]\w+) *= /g), named('ts', /\b([A-Z]\w+):/g)])
      expect(parameters).toEqual([...required, 'CodePrefix'].sort());
    const used = [named('hcl', /outputs\["(\w+)"\]/g), named('ts', /getOutput\('(\w+)'\)/g)];
    for (const names of used) {
      expect(names).toHaveLength(7);
      expect([...outputs]).toEqual(expect.arrayContaining(names));
    }
  });

  /** The parameters of a stage stand in a project; its model is published later, from here. */
  async function project(): Promise<string> {
    const own = await mkdtemp(join(folder, 'project-'));
    const parameters = `{ caCertificates: "\${NODE_EXTRA_CA_CERTS}", schedule: rate(1 minute), loaders: 2 }`;
    await writeFile(join(own, 'starlift.yml'), `stages:\n  ${stage}: ${parameters}\n`);
    return own;
  }
});
