import { describe, expect, it } from '@jest/globals';
import { comparePermissions, matchesPattern } from './compare-permissions.ts';

const bucket = 'arn:aws:s3:::ingested';
const logs = {
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: ['arn:aws:logs:eu-west-2:000000000000:log-group:/aws/lambda/plan:*'],
};
const packaged = (
  ...statements: { effect?: 'Allow' | 'Deny'; actions: string[]; resources: string[] }[]
) => ({
  ...{ name: 'plan', service: 'ingestion' as const, deployedName: 'plan', module: 'plan.mjs' },
  ...{
    environment: {},
    queueArn: undefined,
    statements: [logs, ...statements].map((each) => ({ effect: 'Allow' as const, ...each })),
  },
});
const call = (action: string, resource: string) => ({ caller: 'plan', action, resource });

describe('the comparison of a role with the calls of its code', () => {
  it('finds nothing where each permission is used and each call allowed', () => {
    const role = packaged({ actions: ['s3:GetObject'], resources: [`${bucket}/state/*`] });
    const calls = [call('s3:GetObject', `${bucket}/state/capture.json`)];
    expect(comparePermissions(role, calls)).toEqual({ missing: [], spare: [] });
  });

  it('finds a call that is not allowed: the action, or the resource', () => {
    const role = packaged({ actions: ['s3:GetObject'], resources: [`${bucket}/state/*`] });
    const calls = [
      call('s3:GetObject', `${bucket}/state/a`),
      call('s3:PutObject', `${bucket}/state/a`),
      call('s3:GetObject', `${bucket}/staff/a`),
    ];
    expect(comparePermissions(role, calls)).toEqual({
      missing: [`s3:GetObject ${bucket}/staff/a`, `s3:PutObject ${bucket}/state/a`],
      spare: [],
    });
  });

  it('finds a permission that nothing uses, beside others of its statement', () => {
    const role = packaged({
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [`${bucket}/a`, `${bucket}/b`],
    });
    const calls = [call('s3:GetObject', `${bucket}/a`), call('s3:PutObject', `${bucket}/a`)];
    expect(comparePermissions(role, calls)).toEqual({
      missing: [],
      spare: [`s3:GetObject ${bucket}/b`, `s3:PutObject ${bucket}/b`],
    });
  });

  it('finds a call that is denied, though it is allowed too', () => {
    const allowed = { actions: ['s3:DeleteObject'], resources: [`${bucket}/*.zst`] };
    const denied = { effect: 'Deny' as const, ...allowed, resources: [`${bucket}/.census/*`] };
    const calls = ['staff/a.zst', '.census/a.zst'].map((key) => call('s3:DeleteObject', `${bucket}/${key}`));
    expect(comparePermissions(packaged(allowed, denied), calls)).toEqual({
      missing: [`s3:DeleteObject ${bucket}/.census/a.zst`],
      spare: [],
    });
  });

  it('finds that a function may not log', () => {
    const role = { ...packaged(), statements: [] };
    expect(comparePermissions(role, []).missing).toHaveLength(2);
  });

  it('matches as IAM does, and nothing but * and ? are special', () => {
    expect(matchesPattern('a.b/*', 'a.b/c/d')).toBe(true);
    expect(matchesPattern('a.b/*', 'aXb/c')).toBe(false);
    expect(matchesPattern('secret-??????', 'secret-AbCdEf')).toBe(true);
    expect(matchesPattern('secret-??????', 'secret-AbCdE')).toBe(false);
  });
});
