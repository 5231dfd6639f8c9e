import { describe, expect, it } from '@jest/globals';
import { type AcceptedFinding, acceptedByCfnLint, acceptedByCheckov } from './accepted-findings.ts';
import { type Finding, runCfnLint, runCheckov } from './findings.ts';

/** What is found and not accepted, and what is accepted and not found. */
function judge(findings: readonly Finding[], accepted: readonly AcceptedFinding[]) {
  const accepts = ({ rule, place }: AcceptedFinding, finding: Finding) =>
    rule === finding.rule && place.test(finding.place);
  return {
    open: findings.filter((finding) => !accepted.some((each) => accepts(each, finding))),
    stale: accepted.filter((each) => !findings.some((finding) => accepts(each, finding))),
  };
}

describe('the packaged templates', () => {
  it('pass cfn-lint, but for what is accepted with a reason', async () => {
    expect(judge(await runCfnLint(), acceptedByCfnLint)).toEqual({ open: [], stale: [] });
  });

  it('pass checkov, but for what is accepted with a reason', async () => {
    expect(judge(await runCheckov(), acceptedByCheckov)).toEqual({ open: [], stale: [] });
  });
});
