import type { AcceptedFinding } from './accepted-findings.ts';
import type { Finding } from './findings.ts';

/** What is found and not accepted, and what is accepted and not found. */
export function judge(findings: readonly Finding[], accepted: readonly AcceptedFinding[]) {
  const accepts = ({ rule, place }: AcceptedFinding, finding: Finding) =>
    rule === finding.rule && place.test(finding.place);
  return {
    open: findings.filter((finding) => !accepted.some((each) => accepts(each, finding))),
    stale: accepted.filter((each) => !findings.some((finding) => accepts(each, finding))),
  };
}
