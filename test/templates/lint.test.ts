import { describe, expect, it } from '@jest/globals';
import { acceptedByCfnLint, acceptedByCheckov } from './accepted-findings.ts';
import { runCfnLint, runCheckov } from './findings.ts';
import { judge } from './judge-findings.ts';

describe('the packaged templates', () => {
  it('pass cfn-lint, but for what is accepted with a reason', async () => {
    expect(judge(await runCfnLint(), acceptedByCfnLint)).toEqual({ open: [], stale: [] });
  });

  it('pass checkov, but for what is accepted with a reason', async () => {
    expect(judge(await runCheckov(), acceptedByCheckov)).toEqual({ open: [], stale: [] });
  });
});
