import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cloud, startCloud } from '../../cli/embedded/cloud/start-cloud.ts';
import { deployAll, deployService } from '../deploy/serverless.ts';

const arn = 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:shop-AbCdEf';

describe('a deployment that cannot go well ends with one line, before anything is made', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'starlift-refused-'));
  let cloud: Cloud;
  let environment: Record<string, string>;

  beforeAll(async () => {
    // It knows secrets, and no CloudFormation: what would be made fails.
    const secrets = {
      [arn]: JSON.stringify({ host: 'db', port: 5432, username: 'reader', password: 'p4ss' }),
    };
    cloud = await startCloud({ dataDir, buckets: [], queues: [], notifications: [], secrets });
    environment = {
      ...{ AWS_ENDPOINT_URL: cloud.endpoint, AWS_REGION: 'eu-west-2' },
      ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    };
  });
  afterAll(async () => {
    await cloud.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const refusal = async (...parameters: string[]) => {
    const args = ['--stage', 'dev', ...parameters.flatMap((each) => ['--param', each])];
    const { code, stdout, stderr } = await deployService('ingestion', args, environment);
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => /parameter|secret/.test(line));
    return { code, lines };
  };

  it('a malformed rate', async () => {
    expect(await refusal('schedule=rate(5 minute)')).toEqual({
      code: 1,
      lines: [
        'the parameter schedule is "rate(5 minute)", which is not like rate(5 minutes) or cron(0/5 * * * ? *)',
      ],
    });
  });

  it('a parameter of the service that comes last, before the first is deployed', async () => {
    expect(await refusal('loaders=1')).toEqual({
      code: 1,
      lines: ['the parameter loaders is "1": it has to be a whole number from 2 to 999'],
    });
  });

  it('a secret that lacks a field', async () => {
    expect(await refusal(`sourceSecretArn=${arn}`)).toEqual({
      code: 1,
      lines: [`the secret ${arn} has no dbname`],
    });
  });

  it('all three services at once, too', async () => {
    const { code, stdout, stderr } = await deployAll('No-Stage', environment);
    expect(code).toBe(2);
    expect(stdout + stderr).toMatch(
      /--stage No-Stage is not a stage name \(expected up to 12 lower-case letters/,
    );
  });
});
