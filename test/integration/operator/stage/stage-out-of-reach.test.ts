import { describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../../helpers/network/free-port.ts';
import { starlift } from '../../../helpers/processes/starlift.ts';

/** An environment in which the AWS SDK finds nothing but what a test gives. */
const nothing = {
  AWS_REGION: '',
  AWS_DEFAULT_REGION: '',
  AWS_PROFILE: '',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};
const credentials = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's3cret' };

describe('a command on a stage that is out of reach fails with one line', () => {
  it('when there is no region', async () => {
    expect(await starlift(['status', '--stage', 'dev'], nothing)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'starlift: no AWS region: set it with --region, AWS_REGION or in the AWS profile\n',
    });
  });

  it('when there are no credentials', async () => {
    const args = ['run', '--stage', 'dev', '--region', 'eu-west-2'];
    expect(await starlift(args, nothing)).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^starlift: no AWS credentials: .+\n$/),
    });
  });

  it('when nothing answers at the endpoint', async () => {
    const endpoint = `http://127.0.0.1:${await findFreePort()}`;
    const env = { ...nothing, ...credentials, AWS_REGION: 'eu-west-2', AWS_ENDPOINT_URL: endpoint };
    const url = 'postgres://u:s3cret@h/d';
    expect(await starlift(['secrets', 'put', 'source', '--stage', 'dev'], env, url)).toEqual({
      code: 2,
      stdout: '',
      stderr: `starlift: AWS cannot be reached: connect ECONNREFUSED ${endpoint.slice(7)}; is the region right?\n`,
    });
  });
});
