import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { starlift } from '../helpers/processes/starlift.ts';
import { acceptedByCfnLint, acceptedByCheckov, acceptedOfPlain } from './accepted-findings.ts';
import { runCfnLint, runCheckov } from './findings.ts';
import { judge } from './judge-findings.ts';
import { services } from './packaged.ts';

describe('the packaged templates', () => {
  it('pass cfn-lint, but for what is accepted with a reason', async () => {
    expect(judge(await runCfnLint(), acceptedByCfnLint)).toEqual({ open: [], stale: [] });
  });

  it('pass checkov, but for what is accepted with a reason', async () => {
    expect(judge(await runCheckov(), acceptedByCheckov)).toEqual({ open: [], stale: [] });
  });
});

describe('the templates that starlift package writes', () => {
  it('pass cfn-lint, but for what is accepted with a reason', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'starlift-plain-'));
    try {
      const { code, stderr } = await starlift(['package', '--stage', 'dev', '--template', folder]);
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
      const paths = services.map((service) => join(folder, `${service}.template.json`));
      // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
      expect(paths.filter((path) => statSync(path).size > 51_200)).toEqual([]);
      const findings = await runCfnLint(paths);
      expect(judge(findings, acceptedOfPlain)).toEqual({ open: [], stale: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
